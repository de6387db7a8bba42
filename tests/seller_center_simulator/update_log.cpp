#include "tests/seller_center_simulator/update_log.h"

#include <iterator>

namespace skulink::simulator {

void UpdateLog::Note(const std::string& listing_id, absl::Time time) {
  auto [place, is_new] = places_.try_emplace(listing_id);
  if (!is_new) changes_.erase(place->second);
  place->second = {time, ++last_number_};
  changes_.emplace(place->second, listing_id);
}

std::int64_t UpdateLog::CountAfter(const Place& place) const {
  return std::distance(changes_.upper_bound(place), changes_.end());
}

std::vector<std::pair<UpdateLog::Place, std::string>> UpdateLog::After(const Place& place, int size) const {
  std::vector<std::pair<Place, std::string>> after;
  for (auto change = changes_.upper_bound(place);
       change != changes_.end() && after.size() < static_cast<std::size_t>(size); ++change) {
    after.emplace_back(*change);
  }
  return after;
}

}  // namespace skulink::simulator
