#include "client/cli/job_output.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "client/cli/terminal.h"
#include "common/errors.h"

namespace skulink::cli {
namespace {

constexpr absl::Duration kBetweenLines = absl::Seconds(5);

std::string StateName(const v1::Job& job) { return LowerName(v1::JobState_Name(job.state()), "JOB_STATE_"); }
std::string PhaseName(const v1::Job& job) {
  if (job.progress().phase() == v1::SCAN_PHASE_UNSPECIFIED) return "starting";
  return LowerName(v1::ScanPhase_Name(job.progress().phase()), "SCAN_PHASE_");
}

bool IsTransfer(const v1::Job& job) { return job.kind() > v1::JOB_KIND_SCAN; }

std::string TransferText(const v1::Job& job) {
  const v1::TransferProgress& transfer = job.transfer();
  return absl::StrFormat("%s%s %s: %d of %d, %d created, %d linked, %d skipped, %d failed", KindName(job),
                         job.validate_only() ? " (dry run)" : "", StateName(job), transfer.done(),
                         transfer.expected(), transfer.created(), transfer.linked(), transfer.skipped(),
                         transfer.failed());
}

// ` [###.......] `
std::string Bar(const v1::Job& job, int width) {
  const bool transfer = IsTransfer(job);
  const std::int64_t done = transfer ? job.transfer().done() : job.progress().listings_seen();
  const std::int64_t expected = transfer ? job.transfer().expected() : job.progress().listings_expected();
  int filled = job.state() == v1::JOB_STATE_SUCCEEDED ? width : 0;
  if (filled == 0 && expected > 0) {
    filled =
        static_cast<int>(width * std::min(1.0, static_cast<double>(done) / static_cast<double>(expected)));
  }
  return absl::StrCat(" [", std::string(filled, '#'), std::string(width - filled, '.'), "] ");
}

// `, 8000 a second, 12 s left`, as far as it is known.
std::string Speed(const v1::Job& job) {
  const v1::ScanProgress& progress = job.progress();
  if (job.state() != v1::JOB_STATE_RUNNING || progress.listings_per_second() <= 0) return "";
  std::string text = absl::StrFormat(", %.0f a second", progress.listings_per_second());
  if (progress.has_estimated_end_time()) {
    const absl::Duration left = absl::FromUnixSeconds(progress.estimated_end_time().seconds()) - absl::Now();
    absl::StrAppendFormat(&text, ", %d s left", std::max<std::int64_t>(0, absl::ToInt64Seconds(left)));
  }
  return text;
}

std::string StateOrPhase(const v1::Job& job) {
  return job.state() == v1::JOB_STATE_RUNNING ? PhaseName(job) : StateName(job);
}

std::string ProgressText(const std::string& channel, const v1::Job& job, bool bar) {
  constexpr int kBarWidth = 20;
  const v1::ScanProgress& progress = job.progress();
  std::string text = absl::StrFormat("%-12s", Escape(channel));
  if (IsTransfer(job)) return absl::StrCat(text, bar ? Bar(job, kBarWidth) : " ", TransferText(job));
  absl::StrAppend(&text, bar ? Bar(job, kBarWidth) : " ", StateOrPhase(job), ": ", progress.listings_seen());
  if (progress.has_listings_expected()) absl::StrAppend(&text, " of ", progress.listings_expected());
  absl::StrAppendFormat(&text, " listings, %d live, %d sold in channel, %d not in POS%s", progress.live(),
                        progress.sold_in_channel(), progress.not_in_pos(), Speed(job));
  return text;
}

// On a line of a terminal: in a narrow one the counts go, speed and time left stay.
std::string ProgressLine(const std::string& channel, const v1::Job& job, std::size_t width) {
  std::string text = ProgressText(channel, job, true);
  if (DisplayWidth(text) <= width) return text;
  constexpr int kShortBarWidth = 8;
  constexpr std::size_t kShortChannel = 12;
  text = absl::StrCat(Cut(Escape(channel), kShortChannel), Bar(job, kShortBarWidth));
  if (IsTransfer(job)) {
    return Cut(absl::StrCat(text, KindName(job), " ", job.transfer().done(), "/", job.transfer().expected()),
               width);
  }
  const v1::ScanProgress& progress = job.progress();
  absl::StrAppend(&text, StateOrPhase(job), " ", progress.listings_seen());
  if (progress.has_listings_expected()) absl::StrAppend(&text, "/", progress.listings_expected());
  return Cut(absl::StrCat(text, Speed(job)), width);
}

// Of the pipe through which the signal handler wakes the waiter.
std::atomic<int> interrupt_write_end = -1;

void OnInterrupt(int) {
  const char byte = 0;
  [[maybe_unused]] const auto written = write(interrupt_write_end, &byte, 1);
}

void SetSignals(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = static_cast<int>(SA_RESTART | SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

}  // namespace

const std::vector<Column> kJobColumns = {{"channel", "CHANNEL"},
                                         {"job", "JOB"},
                                         {"state", "STATE"},
                                         {"listings_seen", "LISTINGS", true},
                                         {"created", "CREATED", true},
                                         {"updated", "UPDATED", true},
                                         {"unchanged", "UNCHANGED", true},
                                         {"removed", "REMOVED", true},
                                         {"refused", "REFUSED", true},
                                         {"live", "LIVE", true},
                                         {"sold_in_channel", "SOLD", true},
                                         {"not_in_pos", "NOT IN POS", true}};

const std::vector<Column> kTransferColumns = {{"channel", "CHANNEL"},
                                              {"job", "JOB"},
                                              {"kind", "KIND"},
                                              {"dry_run", "DRY RUN"},
                                              {"state", "STATE"},
                                              {"done", "DONE", true},
                                              {"expected", "EXPECTED", true},
                                              {"parents_created", "PRODUCTS OR ITEMS CREATED", true},
                                              {"created", "CREATED", true},
                                              {"linked", "LINKED", true},
                                              {"skipped", "SKIPPED", true},
                                              {"failed", "FAILED", true}};

std::string KindName(const v1::Job& job) { return LowerName(v1::JobKind_Name(job.kind()), "JOB_KIND_"); }

const std::vector<Column>& ColumnsOf(const v1::Job& job) {
  return IsTransfer(job) ? kTransferColumns : kJobColumns;
}

namespace {

void PutTransfer(Row& row, const v1::TransferProgress& transfer) {
  row["done"] = transfer.done();
  row["expected"] = transfer.expected();
  row["created"] = transfer.created();
  row["linked"] = transfer.linked();
  row["skipped"] = transfer.skipped();
  row["failed"] = transfer.failed();
  row["parents_created"] = transfer.parents_created();
}

void PutScan(Row& row, const v1::Job& job) {
  const v1::ScanProgress& progress = job.progress();
  row["scan_mode"] = LowerName(v1::ScanMode_Name(job.scan_mode()), "SCAN_MODE_");
  row["phase"] = PhaseName(job);
  row["pages"] = progress.pages();
  row["listings_seen"] = progress.listings_seen();
  row["listings_expected"] =
      progress.has_listings_expected() ? Row(progress.listings_expected()) : Row(nullptr);
  row["created"] = progress.created();
  row["updated"] = progress.updated();
  row["unchanged"] = progress.unchanged();
  row["removed"] = progress.removed();
  row["refused"] = progress.refused();
  row["incomplete"] = progress.incomplete();
  row["live"] = progress.live();
  row["sold_in_channel"] = progress.sold_in_channel();
  row["not_in_pos"] = progress.not_in_pos();
  row["listings_per_second"] = progress.listings_per_second();
}

}  // namespace

Row JobRow(const v1::Job& job) {
  Row row;
  row["channel"] = ChannelId(job.channel());
  row["job"] = JobId(job.name());
  row["kind"] = KindName(job);
  row["dry_run"] = job.validate_only();
  row["state"] = StateName(job);
  if (IsTransfer(job)) {
    PutTransfer(row, job.transfer());
  } else {
    PutScan(row, job);
  }
  row["create_time"] = TimeOrNull(job.has_create_time(), job.create_time());
  row["start_time"] = TimeOrNull(job.has_start_time(), job.start_time());
  row["end_time"] = TimeOrNull(job.has_end_time(), job.end_time());
  row["error_reason"] = nullptr;
  row["error"] = nullptr;
  if (job.has_error()) {
    row["error_reason"] = ReasonName(ReasonOf(FromProto(job.error())));
    row["error"] = job.error().message();
  }
  return row;
}

// What happened first: the names that follow are long, and lines are cut at the edge of a terminal.
const std::vector<Column> kJobItemColumns = {
    {"outcome", "OUTCOME"},        {"reason", "REASON"}, {"field", "FIELD"},
    {"listing_id", "LISTING"},     {"item_id", "ITEM"},  {"variant", "VARIANT"},
    {"description", "DESCRIPTION"}};

Row JobItemRow(const v1::JobItem& item) {
  Row row;
  row["listing_id"] = TextOrNull(item.listing_id());
  row["item_id"] = TextOrNull(item.item_id());
  row["variant"] = TextOrNull(item.variant());
  row["outcome"] = LowerName(v1::JobItemOutcome_Name(item.outcome()), "JOB_ITEM_OUTCOME_");
  row["reason"] =
      item.reason() == v1::ERROR_REASON_UNSPECIFIED ? Row(nullptr) : Row(ReasonName(item.reason()));
  row["field"] = TextOrNull(item.field());
  row["description"] = TextOrNull(item.description());
  return row;
}

namespace {

// What can be done about a scan that needs confirmation.
void ExplainConfirmation(const App& app, const v1::Job& job) {
  const v1::Confirmation& why = job.confirmation();
  const std::string channel = Escape(ChannelId(job.channel()));
  const std::string program = app.Program(), name = app.ShownJob(job.name());
  const bool ended_early = why.reason() == v1::CONFIRMATION_REASON_ENDED_EARLY;
  std::string text =
      absl::StrFormat("skulink: %s: the scan needs confirmation (%s): %d live listings seen, %d before",
                      channel, LowerName(v1::ConfirmationReason_Name(why.reason()), "CONFIRMATION_REASON_"),
                      why.live_seen(), why.live_before());
  if (ended_early) {
    absl::StrAppendFormat(&text, "; the Seller Center sent %d of %d listings", job.progress().listings_seen(),
                          job.progress().listings_expected());
  }
  absl::StrAppend(&text, ".\n");
  // Confirming does not bring what was not sent.
  if (ended_early) absl::StrAppendFormat(&text, "  %s scan %s  scans again\n", program, channel);
  if (!ended_early || why.not_seen() > 0) {
    absl::StrAppendFormat(&text, "  %s jobs confirm %s  removes up to %d listings that were not seen\n",
                          program, name, why.not_seen());
  }
  absl::StrAppendFormat(&text, "  %s jobs cancel %s   removes nothing\n", program, name);
  std::fputs(text.c_str(), stderr);
}

}  // namespace

void ExplainJob(App& app, const v1::Job& job) {
  const std::string channel = Escape(ChannelId(job.channel()));
  const std::string kind = KindName(job);
  if (job.state() == v1::JOB_STATE_FAILED) {
    std::fprintf(stderr, "skulink: %s: the %s failed: %s (%s)\n", channel.c_str(), kind.c_str(),
                 Escape(job.error().message()).c_str(), ReasonName(ReasonOf(FromProto(job.error()))).c_str());
    app.exit_code = kFailed;
  } else if (job.state() == v1::JOB_STATE_CANCELLED) {
    std::fprintf(stderr, "skulink: %s: the %s was cancelled\n", channel.c_str(), kind.c_str());
    app.exit_code = kFailed;
  } else if (job.state() == v1::JOB_STATE_NEEDS_CONFIRMATION) {
    ExplainConfirmation(app, job);
    if (app.exit_code == kDone) app.exit_code = kNeedsConfirmation;
  }
  const std::int64_t refused = job.progress().refused(), incomplete = job.progress().incomplete();
  if (refused == 0 && incomplete == 0) return;
  std::string text;
  if (refused > 0) absl::StrAppend(&text, refused, " listings refused");
  if (incomplete > 0) {
    absl::StrAppend(&text, refused > 0 ? ", " : "", incomplete,
                    " listings taken without a price, stock or GTIN that could not be read");
  }
  std::fprintf(stderr, "skulink: %s: %s: %s jobs items %s\n", channel.c_str(), text.c_str(),
               app.Program().c_str(), app.ShownJob(job.name()).c_str());
}

void ExplainInterrupt(const App& app, const std::string& job_name) {
  const std::string program = app.Program(), name = app.ShownJob(job_name);
  if (job_name.empty()) {
    std::fprintf(stderr, "No longer watching. See whether the job has started: %s jobs list\n",
                 program.c_str());
    return;
  }
  std::fprintf(
      stderr,
      "No longer watching; the job goes on. Watch it: %s jobs watch %s\nCancel it: %s jobs cancel %s\n",
      program.c_str(), name.c_str(), program.c_str(), name.c_str());
}

ProgressBoard::ProgressBoard(std::vector<std::string> channel_ids) : on_terminal_(IsTerminal(stderr)) {
  for (std::string& id : channel_ids) lines_.push_back({.channel = std::move(id), .job = {}});
}

void ProgressBoard::Show(std::size_t index, const v1::Job& job) {
  const std::lock_guard lock(mutex_);
  Line& line = lines_[index];
  const bool turned =
      line.job.state() != job.state() || line.job.progress().phase() != job.progress().phase();
  line.job = job;
  if (on_terminal_) return Redraw();
  if (!turned && absl::Now() - line.printed < kBetweenLines) return;
  line.printed = absl::Now();
  std::fprintf(stderr, "%s\n", ProgressText(line.channel, line.job, false).c_str());
}

std::string ProgressBoard::JobName(std::size_t index) const {
  const std::lock_guard lock(mutex_);
  return lines_[index].job.name();
}

void ProgressBoard::Redraw() {
  std::string screen = drawn_ ? absl::StrFormat("\x1b[%dA", lines_.size()) : "";
  drawn_ = true;
  // One column less than there is, since some terminals break the line after the last.
  const std::size_t width = TerminalWidth(stderr) - 1;
  for (const Line& line : lines_) {
    const std::string text = line.job.name().empty() ? absl::StrCat(Escape(line.channel), " ...")
                                                     : ProgressLine(line.channel, line.job, width);
    absl::StrAppend(&screen, "\r\x1b[2K", Cut(text, width), "\n");
  }
  std::fputs(screen.c_str(), stderr);
}

Interrupt::Interrupt() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return;
  read_end_ = ends[0];
  interrupt_write_end = ends[1];
  waiter_ = std::thread([this] {
    char byte = 0;
    if (read(read_end_, &byte, 1) == 1) source_.request_stop();
  });
  SetSignals(&OnInterrupt);
}

Interrupt::~Interrupt() {
  if (read_end_ < 0) return;
  SetSignals(SIG_DFL);
  close(interrupt_write_end.exchange(-1));
  waiter_.join();
  close(read_end_);
}

}  // namespace skulink::cli
