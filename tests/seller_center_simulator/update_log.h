#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"

namespace skulink::simulator {

// When each listing was changed last, in the order of these times. Not thread-safe.
class UpdateLog {
 public:
  // A place in that order. Changes at one time are told apart by a number that grows.
  struct Place {
    absl::Time time;
    std::int64_t number = 0;
    friend bool operator<(const Place& a, const Place& b) {
      return std::tie(a.time, a.number) < std::tie(b.time, b.number);
    }
  };

  void Note(const std::string& listing_id, absl::Time time);
  bool Has(const std::string& listing_id) const { return places_.contains(listing_id); }

  // Before all changes at that time or later.
  static Place Since(absl::Time time) { return {time, -1}; }
  std::int64_t CountAfter(const Place& place) const;
  // At most `size` of those after `place`, in order.
  std::vector<std::pair<Place, std::string>> After(const Place& place, int size) const;

 private:
  std::map<Place, std::string> changes_;
  absl::flat_hash_map<std::string, Place> places_;
  std::int64_t last_number_ = 0;
};

}  // namespace skulink::simulator
