#include "server/sync/listing_index.h"

namespace skulink {
namespace {

// Entries after the one found last that are looked at before all are: some listings are gone.
constexpr ListingIndex::Entry kLookAhead = 8;

}  // namespace

ListingIndex::Entry ListingIndex::Find(std::string_view listing_id) {
  // Many Seller Centers list in the order of ids. Then neither the rest of the store's listings nor a hash
  // table is needed yet.
  for (Entry entry = next_; entry < next_ + kLookAhead && (entry < size_ || LoadMore()); ++entry) {
    if (Id(entry) != listing_id) continue;
    next_ = entry + 1;
    return entry;
  }
  LoadAll();
  while (indexed_ < size_) by_id_.insert(indexed_++);
  const auto found = by_id_.find(listing_id);
  if (found == by_id_.end()) return kNone;
  next_ = *found + 1;
  return *found;
}

ListingIndex::Entry ListingIndex::Add(std::string_view listing_id, const store::Fingerprint& fingerprint,
                                      ListingState state) {
  if (chunks_.empty() || chunks_.back()->full()) chunks_.push_back(std::make_unique<ListingChunk>());
  chunks_.back()->Add(listing_id, fingerprint, state);
  next_ = ++size_;
  return size_ - 1;
}

bool ListingIndex::LoadMore() {
  if (!load_) return false;
  std::unique_ptr<ListingChunk> chunk = load_();
  if (chunk == nullptr) {
    load_ = nullptr;
    return false;
  }
  size_ += static_cast<Entry>(chunk->size);
  loaded_ = size_;
  chunks_.push_back(std::move(chunk));
  return true;
}

void ListingIndex::LoadAll() {
  while (LoadMore()) {
  }
}

}  // namespace skulink
