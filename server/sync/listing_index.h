#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "common/listing.h"
#include "server/store/listings.h"

namespace skulink {

// How a scan met a listing.
enum class Met : std::uint8_t {
  kNot,        // not yet
  kUnchanged,  // and counted it as that
  kCounted,    // and counted it as created or updated; or before its server died, as whatever it was
  kRefused,    // and could not take it
};

// What a scan remembers of each listing of its channel. Made for millions: ids lie one after the other in one
// text, and an entry takes some 30 bytes beside its id.
class ListingIndex {
 public:
  using Entry = std::uint32_t;
  static constexpr Entry kNone = UINT32_MAX;

  ListingIndex() : by_id_(0, Hash{this}, Equal{this}) {}
  ListingIndex(const ListingIndex&) = delete;
  ListingIndex& operator=(const ListingIndex&) = delete;

  Entry Find(std::string_view listing_id) const {
    const auto found = by_id_.find(listing_id);
    return found == by_id_.end() ? kNone : *found;
  }
  Entry Add(std::string_view listing_id, const store::Fingerprint& fingerprint, ListingState state) {
    const auto entry = static_cast<Entry>(rows_.size());
    rows_.push_back({.offset = ids_.size(),
                     .size = static_cast<std::uint32_t>(listing_id.size()),
                     .state = state,
                     .fingerprint = fingerprint});
    ids_.append(listing_id);
    by_id_.insert(entry);
    return entry;
  }

  std::size_t size() const { return rows_.size(); }
  std::string_view Id(Entry entry) const {
    return std::string_view(ids_).substr(rows_[entry].offset, rows_[entry].size);
  }

  store::Fingerprint& fingerprint(Entry entry) { return rows_[entry].fingerprint; }
  ListingState& state(Entry entry) { return rows_[entry].state; }
  Met& met(Entry entry) { return rows_[entry].met; }
  // The batch of changes, counted from 1, that the listing was last put into.
  std::uint32_t& batch(Entry entry) { return rows_[entry].batch; }

 private:
  struct EntryRow {
    std::size_t offset;
    std::uint32_t size;
    std::uint32_t batch = 0;
    ListingState state;
    Met met = Met::kNot;
    store::Fingerprint fingerprint;
  };
  struct Hash {
    using is_transparent = void;
    const ListingIndex* index;
    std::size_t operator()(std::string_view id) const { return store::MemoryHash(id); }
    std::size_t operator()(Entry entry) const { return store::MemoryHash(index->Id(entry)); }
  };
  struct Equal {
    using is_transparent = void;
    const ListingIndex* index;
    bool operator()(Entry a, Entry b) const { return a == b; }
    bool operator()(std::string_view id, Entry entry) const { return index->Id(entry) == id; }
    bool operator()(Entry entry, std::string_view id) const { return index->Id(entry) == id; }
  };

  std::string ids_;
  std::vector<EntryRow> rows_;
  absl::flat_hash_set<Entry, Hash, Equal> by_id_;
};

}  // namespace skulink
