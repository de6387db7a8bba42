#pragma once

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

// What tests/bench/run calls. Each prints `name value ...` lines and throws std::runtime_error when it cannot
// measure.
namespace skulink::bench {

// Writes pos.jsonl, channel.N.jsonl for each channel, and channel.0.changed.jsonl, where 1 % of the listings
// differ. The same for the same numbers.
void Generate(const std::string& folder, int variants, int channels);

// Median times of a page of each view, in turns with a page of the primary key, at both servers; of one with
// reasons in turns with one without; and of the statistics in turns with GetChannel.
void MeasurePages(const std::string& server, const std::string& small_server, int rounds);

// One scan of a channel of the merchant `default`, after its endpoint is set; a new channel is made.
void MeasureScan(const std::string& server, const std::string& channel_id, const std::string& endpoint);
// Reads all listings of a Seller Center and throws them away.
void MeasureDrain(const std::string& endpoint);
// Loads the rows that a scan of channel 0, 1, ... has written into an empty table of the same database
// server: in transactions as large as the scan's, and in one.
void MeasureLoad(const std::string& socket, int channel_number);
// Prints how many listing rows the database has written since it was asked to count.
void CountWrites(const std::string& socket);

// Pages in a second that 32 callers get, from the server and from bare SOCI sessions, in turns.
void MeasureCallers(const std::string& server, const std::string& socket, int rounds, double seconds);

// A download of all that `source` has into an empty catalogue, and an upload of the catalogue of the merchant
// `default` to `target`, which is empty as `spare` is; and a client that makes the same calls and does
// nothing else.
void MeasureTransfers(const std::string& server, const std::string& source, const std::string& target,
                      const std::string& spare);

inline double Now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

inline double Median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace skulink::bench
