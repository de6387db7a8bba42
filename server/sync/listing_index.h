#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "common/listing.h"
#include "common/string_map.h"
#include "server/store/listings.h"

namespace skulink {

// How a scan met a listing.
enum class Met : std::uint8_t {
  kNot,        // not yet
  kUnchanged,  // and counted it as that
  kCounted,    // and counted it as created or updated; or before its server died, as whatever it was
  kRefused,    // and could not take it
};

// Some thousand listings as a scan remembers them: their ids one after the other, and 24 bytes for each.
struct ListingChunk {
  static constexpr std::size_t kCapacity = 4096;
  struct Listing {
    std::uint32_t id_offset = 0;
    std::uint16_t id_size = 0;
    ListingState state = ListingState::kUnknown;
    Met met = Met::kNot;
    store::Fingerprint fingerprint{};
  };

  void Add(std::string_view id, const store::Fingerprint& fingerprint, ListingState state) {
    listings[size++] = {.id_offset = static_cast<std::uint32_t>(ids.size()),
                        .id_size = static_cast<std::uint16_t>(id.size()),
                        .state = state,
                        .fingerprint = fingerprint};
    ids.append(id);
  }
  bool full() const { return size == kCapacity; }

  std::string ids;
  std::array<Listing, kCapacity> listings;
  std::size_t size = 0;
};

// What a scan remembers of each listing of its channel. Made for millions: nothing is copied when it grows.
// What the store has is loaded as it is needed, so that a scan need not wait for all of it.
class ListingIndex {
 public:
  using Entry = std::uint32_t;
  static constexpr Entry kNone = UINT32_MAX;

  // `load` gives what the store has, in the order of ids: all chunks but the last are full, null ends them.
  explicit ListingIndex(std::function<std::unique_ptr<ListingChunk>()> load)
      : load_(std::move(load)), by_id_(0, Hash{this}, Equal{this}) {}
  ListingIndex(const ListingIndex&) = delete;
  ListingIndex& operator=(const ListingIndex&) = delete;

  Entry Find(std::string_view listing_id);
  // Of one that was not found.
  Entry Add(std::string_view listing_id, const store::Fingerprint& fingerprint, ListingState state);
  // False when there is nothing more.
  bool LoadMore();
  void LoadAll();

  std::size_t size() const { return size_; }
  // Those below came from the store and are in the order of their ids.
  Entry loaded() const { return loaded_; }
  std::string_view Id(Entry entry) const {
    const ListingChunk& chunk = *chunks_[entry / ListingChunk::kCapacity];
    const ListingChunk::Listing& listing = chunk.listings[entry % ListingChunk::kCapacity];
    return std::string_view(chunk.ids).substr(listing.id_offset, listing.id_size);
  }

  store::Fingerprint& fingerprint(Entry entry) { return At(entry).fingerprint; }
  ListingState& state(Entry entry) { return At(entry).state; }
  Met& met(Entry entry) { return At(entry).met; }

 private:
  struct Hash {
    using is_transparent = void;
    const ListingIndex* index;
    std::size_t operator()(std::string_view id) const { return TextHash()(id); }
    std::size_t operator()(Entry entry) const { return TextHash()(index->Id(entry)); }
  };
  struct Equal {
    using is_transparent = void;
    const ListingIndex* index;
    bool operator()(Entry a, Entry b) const { return a == b; }
    bool operator()(std::string_view id, Entry entry) const { return index->Id(entry) == id; }
    bool operator()(Entry entry, std::string_view id) const { return index->Id(entry) == id; }
  };

  ListingChunk::Listing& At(Entry entry) {
    return chunks_[entry / ListingChunk::kCapacity]->listings[entry % ListingChunk::kCapacity];
  }

  std::function<std::unique_ptr<ListingChunk>()> load_;  // empty once all is loaded
  std::vector<std::unique_ptr<ListingChunk>> chunks_;
  Entry size_ = 0, loaded_ = 0;
  Entry next_ = 0;     // after the one found last
  Entry indexed_ = 0;  // entries that by_id_ has
  absl::flat_hash_set<Entry, Hash, Equal> by_id_;
};

}  // namespace skulink
