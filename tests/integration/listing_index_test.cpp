#include "server/sync/listing_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_format.h"

namespace skulink {
namespace {

constexpr int kListings = 3 * static_cast<int>(ListingChunk::kCapacity) + 100;

std::string Id(int number) { return absl::StrFormat("l%06d", number); }

store::Fingerprint PrintOf(int number) {
  store::Fingerprint fingerprint{};
  fingerprint[0] = static_cast<char>(number);
  return fingerprint;
}

// An index over l000000, l000001, ... as the store would give them.
class ListingIndexTest : public testing::Test {
 protected:
  std::unique_ptr<ListingChunk> Load() {
    if (loaded_ == kListings) return nullptr;
    auto chunk = std::make_unique<ListingChunk>();
    for (; loaded_ < kListings && !chunk->full(); ++loaded_)
      chunk->Add(Id(loaded_), PrintOf(loaded_), ListingState::kLive);
    return chunk;
  }

  int loaded_ = 0;
  ListingIndex index_{[this] { return Load(); }};
};

TEST_F(ListingIndexTest, LoadsNoMoreThanItNeedsInTheOrderOfIds) {
  for (int number = 0; number < 10; ++number) EXPECT_EQ(index_.Find(Id(number)), number);
  EXPECT_EQ(loaded_, ListingChunk::kCapacity);
}

TEST_F(ListingIndexTest, FindsEachInEveryOrder) {
  for (const int step : {1, -1, 7919}) {
    for (int i = 0; i < kListings; ++i) {
      const int number = ((i * step) % kListings + kListings) % kListings;
      const ListingIndex::Entry entry = index_.Find(Id(number));
      ASSERT_EQ(entry, number);
      ASSERT_EQ(index_.Id(entry), Id(number));
      ASSERT_EQ(index_.fingerprint(entry), PrintOf(number));
    }
  }
}

TEST_F(ListingIndexTest, FindsThoseAfterSomeThatAreGone) {
  for (int number = 0; number < kListings; number += 20) EXPECT_EQ(index_.Find(Id(number)), number);
  EXPECT_EQ(index_.Find(Id(1)), 1U);
}

TEST_F(ListingIndexTest, FindsThoseThatWereAdded) {
  EXPECT_EQ(index_.Find("new"), ListingIndex::kNone);
  const ListingIndex::Entry entry = index_.Add("new", PrintOf(7), ListingState::kInactive);
  EXPECT_EQ(index_.size(), kListings + 1U);
  EXPECT_EQ(index_.loaded(), static_cast<ListingIndex::Entry>(kListings));
  EXPECT_EQ(index_.Find(Id(3)), 3U);
  EXPECT_EQ(index_.Find("new"), entry);
  EXPECT_EQ(index_.state(entry), ListingState::kInactive);
  EXPECT_EQ(index_.Find("newer"), ListingIndex::kNone);
}

}  // namespace
}  // namespace skulink
