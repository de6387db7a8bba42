#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "grpcpp/support/slice.h"
#include "skulink/sellercenter/v1/seller_center_service.pb.h"

namespace skulink::simulator {

// The listings of one shop in the order in which they are listed. Each is kept as the bytes it has in a page,
// so that a page is sent without being built. Not thread-safe, but slices that were handed out stay good.
class ListingBook {
 public:
  using Listing = sellercenter::v1::Listing;
  using Position = std::int64_t;

  // Adds a listing at the end; false when there is one with its id.
  bool Add(const Listing& listing);
  // Changes the listing with that id where it stands, or adds it at the end.
  void Upsert(const Listing& listing);
  // False when there is none.
  bool Remove(std::string_view listing_id);
  void MoveLastToFront();
  void MoveFirstToEnd();

  std::int64_t size() const { return static_cast<std::int64_t>(by_id_.size()); }

  // Where a listing from the start stands: before the first.
  Position Start() const { return first_ - 1; }
  bool Has(Position position) const;

  // `repeated Listing listings = 1` as bytes.
  struct Page {
    std::vector<grpc::Slice> listings;
    std::int64_t size = 0;
    Position end = 0;   // of its last listing
    bool last = false;  // no listing stands after it
  };
  // At most `size` listings from those after `position`.
  Page After(Position position, int size) const;

  std::optional<Listing> Find(std::string_view listing_id) const;
  // All listings of an item.
  std::vector<Listing> Item(std::string_view item_id) const;
  // Calls `take` with the id of each listing in order.
  void ForEach(const std::function<void(const std::string&)>& take) const;

 private:
  // Memory that slices can point into: nothing moves, and it lives as long as anybody holds it.
  class Arena {
   public:
    char* Allocate(std::size_t size);

   private:
    std::vector<std::unique_ptr<char[]>> blocks_;
    std::size_t left_ = 0;
    char* next_ = nullptr;
  };

  // A removed listing leaves its place behind, without bytes.
  struct Place {
    const char* bytes = nullptr;
    std::uint32_t size = 0;
    std::uint16_t id_at = 0, id_size = 0, item_at = 0, item_size = 0;

    std::string_view id() const { return {bytes + id_at, id_size}; }
    std::string_view item() const { return {bytes + item_at, item_size}; }
    Listing Read() const;
  };

  Place Write(const Listing& listing);
  const Place& At(Position position) const { return places_[position - first_]; }
  Place& At(Position position) { return places_[position - first_]; }
  Position End() const { return first_ + static_cast<Position>(places_.size()); }
  grpc::Slice Share(const char* bytes, std::size_t size) const;
  void IndexItems() const;

  std::shared_ptr<Arena> arena_ = std::make_shared<Arena>();
  std::deque<Place> places_;
  Position first_ = 1;
  absl::flat_hash_map<std::string_view, Position> by_id_;
  // Hash of the item id and position, in order; made when it is needed. Positions of listings that were
  // removed stay.
  mutable std::optional<std::vector<std::pair<std::size_t, Position>>> by_item_;
  // The same of listings that were added since, which are many when items are created.
  mutable std::multimap<std::size_t, Position> added_by_item_;
};

}  // namespace skulink::simulator
