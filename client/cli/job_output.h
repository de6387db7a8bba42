#pragma once

#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "client/cli/app.h"
#include "client/cli/rows.h"

namespace skulink::cli {

extern const std::vector<Column> kJobColumns;       // of a scan
extern const std::vector<Column> kTransferColumns;  // of a download or an upload
inline constexpr char kJobKeys[] =
    "Keys of --output jsonl: channel, job, kind, dry_run, state, scan_mode, phase, pages, listings_seen,\n"
    "listings_expected, created, updated, unchanged, removed, refused, incomplete, live, sold_in_channel,\n"
    "not_in_pos, listings_per_second, create_time, start_time, end_time, error_reason, error; instead of\n"
    "those from scan_mode to listings_per_second a download or an upload has: done, expected, created,\n"
    "linked, skipped, failed, parents_created.";

Row JobRow(const v1::Job& job);
// `scan`, `download`, `upload`.
std::string KindName(const v1::Job& job);
// The columns for a job of its kind.
const std::vector<Column>& ColumnsOf(const v1::Job& job);

extern const std::vector<Column> kJobItemColumns;
Row JobItemRow(const v1::JobItem& item);

// Says on the standard error why a job did not succeed and what can be done, and sets the exit code.
void ExplainJob(App& app, const v1::Job& job);
// What to do about a job that is no longer watched.
void ExplainInterrupt(const App& app, const std::string& job_name);

// Progress of jobs on the standard error: a bar for each on a terminal, now and then a line otherwise.
class ProgressBoard {
 public:
  explicit ProgressBoard(std::vector<std::string> channel_ids);

  // From any thread.
  void Show(std::size_t index, const v1::Job& job);
  // The job last shown; empty before.
  std::string JobName(std::size_t index) const;

 private:
  struct Line {
    std::string channel;
    v1::Job job;
    absl::Time printed = absl::InfinitePast();
  };
  void Redraw();

  const bool on_terminal_;
  mutable std::mutex mutex_;
  std::vector<Line> lines_;
  bool drawn_ = false;
};

// Turns the first Ctrl-C, or SIGTERM, into a stop request; the second one ends the program.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  std::stop_token token() const { return source_.get_token(); }

 private:
  std::stop_source source_;
  int read_end_ = -1;
  std::thread waiter_;
};

}  // namespace skulink::cli
