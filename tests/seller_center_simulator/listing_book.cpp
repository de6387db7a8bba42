#include "tests/seller_center_simulator/listing_book.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "google/protobuf/io/coded_stream.h"

namespace skulink::simulator {
namespace {

using google::protobuf::io::CodedOutputStream;

constexpr std::size_t kBlock = 1 << 20;
constexpr char kListingsTag = 1 << 3 | 2;  // field 1 of a page, as bytes

std::size_t HashOf(std::string_view text) { return std::hash<std::string_view>()(text); }

}  // namespace

char* ListingBook::Arena::Allocate(std::size_t size) {
  if (size > left_) {
    left_ = std::max(size, kBlock);
    next_ = blocks_.emplace_back(std::make_unique_for_overwrite<char[]>(left_)).get();
  }
  left_ -= size;
  return std::exchange(next_, next_ + size);
}

ListingBook::Place ListingBook::Write(const Listing& listing) {
  std::size_t body = listing.ByteSizeLong();
  std::size_t size = 1 + CodedOutputStream::VarintSize32(static_cast<std::uint32_t>(body)) + body;
  auto* bytes = reinterpret_cast<std::uint8_t*>(arena_->Allocate(size));
  Place place{.bytes = reinterpret_cast<char*>(bytes), .size = static_cast<std::uint32_t>(size)};
  *bytes = kListingsTag;
  std::uint8_t* at = CodedOutputStream::WriteVarint32ToArray(static_cast<std::uint32_t>(body), bytes + 1);
  listing.SerializeWithCachedSizesToArray(at);
  // The ids are its first two fields: a tag, the length, the text.
  auto find = [&](const std::string& text, std::uint16_t& text_at, std::uint16_t& text_size) {
    if (text.empty()) return;
    at += 1 + CodedOutputStream::VarintSize32(static_cast<std::uint32_t>(text.size()));
    text_at = static_cast<std::uint16_t>(at - bytes);
    text_size = static_cast<std::uint16_t>(text.size());
    at += text.size();
  };
  find(listing.listing_id(), place.id_at, place.id_size);
  find(listing.item_id(), place.item_at, place.item_size);
  if (listing.item_id().empty()) {
    place.item_at = place.id_at;
    place.item_size = place.id_size;
  }
  return place;
}

ListingBook::Listing ListingBook::Place::Read() const {
  sellercenter::v1::GetItemsResponse one;  // its field 1 holds listings as well
  one.ParseFromArray(bytes, static_cast<int>(size));
  return one.listings(0);
}

bool ListingBook::Add(const Listing& listing) {
  if (by_id_.contains(std::string_view(listing.listing_id()))) return false;
  const Place& place = places_.emplace_back(Write(listing));
  by_id_.emplace(place.id(), End() - 1);
  if (by_item_) added_by_item_.emplace(HashOf(place.item()), End() - 1);
  return true;
}

void ListingBook::Upsert(const Listing& listing) {
  auto found = by_id_.find(std::string_view(listing.listing_id()));
  if (found == by_id_.end()) {
    Add(listing);
    return;
  }
  const Place written = Write(listing);
  if (At(found->second).item() != written.item()) by_item_.reset();
  At(found->second) = written;
}

bool ListingBook::Remove(std::string_view listing_id) {
  auto found = by_id_.find(listing_id);
  if (found == by_id_.end()) return false;
  At(found->second) = Place();
  by_id_.erase(found);
  return true;
}

void ListingBook::MoveLastToFront() {
  auto last = std::find_if(places_.rbegin(), places_.rend(), [](const Place& place) { return place.bytes; });
  if (last == places_.rend()) return;
  by_item_.reset();
  Place moved = std::exchange(*last, Place());
  places_.push_front(moved);
  by_id_[moved.id()] = --first_;
}

void ListingBook::MoveFirstToEnd() {
  auto first = std::find_if(places_.begin(), places_.end(), [](const Place& place) { return place.bytes; });
  if (first == places_.end()) return;
  by_item_.reset();
  Place moved = std::exchange(*first, Place());
  places_.push_back(moved);
  by_id_[moved.id()] = End() - 1;
}

bool ListingBook::Has(Position position) const { return position >= first_ && position < End(); }

grpc::Slice ListingBook::Share(const char* bytes, std::size_t size) const {
  auto* holder = new std::shared_ptr<const Arena>(arena_);
  return grpc::Slice(
      const_cast<char*>(bytes), size, [](void* arena) { delete static_cast<decltype(holder)>(arena); },
      holder);
}

ListingBook::Page ListingBook::After(Position position, int size) const {
  Page page;
  page.end = position;
  const char* run = nullptr;  // listings that lie one after the other are one slice
  std::size_t run_size = 0;
  Position at = std::max(position + 1, first_);
  for (; at < End() && page.size < size; ++at) {
    const Place& place = At(at);
    if (place.bytes == nullptr) continue;
    if (run != nullptr && place.bytes != run + run_size) {
      page.listings.push_back(Share(run, run_size));
      run = nullptr;
    }
    if (run == nullptr) {
      run = place.bytes;
      run_size = 0;
    }
    run_size += place.size;
    page.end = at;
    ++page.size;
  }
  if (run != nullptr) page.listings.push_back(Share(run, run_size));
  while (at < End() && At(at).bytes == nullptr) ++at;
  page.last = at >= End();
  return page;
}

void ListingBook::IndexItems() const {
  added_by_item_.clear();
  by_item_.emplace();
  by_item_->reserve(by_id_.size());
  for (Position at = first_; at < End(); ++at) {
    if (At(at).bytes != nullptr) by_item_->emplace_back(HashOf(At(at).item()), at);
  }
  std::sort(by_item_->begin(), by_item_->end());
}

std::optional<ListingBook::Listing> ListingBook::Find(std::string_view listing_id) const {
  const auto found = by_id_.find(listing_id);
  if (found == by_id_.end()) return std::nullopt;
  return At(found->second).Read();
}

std::vector<ListingBook::Listing> ListingBook::Item(std::string_view item_id) const {
  if (!by_item_) IndexItems();
  std::vector<Listing> listings;
  const auto take = [&](Position at) {
    if (At(at).bytes != nullptr && At(at).item() == item_id) listings.push_back(At(at).Read());
  };
  std::size_t hash = HashOf(item_id);
  auto at = std::lower_bound(by_item_->begin(), by_item_->end(), std::pair(hash, INT64_MIN));
  for (; at != by_item_->end() && at->first == hash; ++at) take(at->second);
  const auto [first, last] = added_by_item_.equal_range(hash);
  for (auto added = first; added != last; ++added) take(added->second);
  return listings;
}

void ListingBook::ForEach(const std::function<void(const std::string&)>& take) const {
  for (const Place& place : places_) {
    if (place.bytes != nullptr) take(std::string(place.id()));
  }
}

}  // namespace skulink::simulator
