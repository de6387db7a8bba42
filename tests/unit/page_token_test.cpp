#include "common/page_token.h"

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "common/errors.h"
#include "skulink/v1/catalog_service.pb.h"
#include "skulink/v1/products_menu_service.pb.h"

namespace skulink {
namespace {

v1::ListInPosRequest Request() {
  v1::ListInPosRequest request;
  request.set_parent("merchants/default");
  request.add_channels("merchants/default/channels/shopee");
  request.set_sku_prefix("AB");
  request.set_page_size(10);
  return request;
}

template <typename ListRequest>
absl::StatusOr<PagePosition> Read(ListRequest request, const std::string& token, std::size_t columns = 1) {
  request.set_page_token(token);
  return ReadPageToken(request, columns);
}

void ExpectRefused(const absl::StatusOr<PagePosition>& position, std::string_view why) {
  EXPECT_EQ(position.status().code(), absl::StatusCode::kInvalidArgument) << why;
  EXPECT_EQ(ReasonOf(position.status()), v1::ERROR_REASON_PAGE_TOKEN_INVALID) << why;
  EXPECT_EQ(FieldOf(position.status()), "page_token") << why;
}

TEST(PageSize, IsWithinTheLimits) {
  EXPECT_EQ(PageSize(0).value(), 50);
  EXPECT_EQ(PageSize(1).value(), 1);
  EXPECT_EQ(PageSize(1000).value(), 1000);
  for (int size : {-1, 1001, INT32_MIN, INT32_MAX}) {
    EXPECT_EQ(ReasonOf(PageSize(size).status()), v1::ERROR_REASON_VALUE_OUT_OF_RANGE) << size;
    EXPECT_EQ(FieldOf(PageSize(size).status()), "page_size") << size;
  }
}

TEST(PageToken, IsThePositionItWasMadeFrom) {
  const PagePosition positions[] = {{"a"},
                                    {"", ""},
                                    {std::string("\0\xFF/\n", 4), "日本", "x"},
                                    {std::string(5'000, 'k'), std::string(127, 'a'), std::string(128, 'b')}};
  for (const PagePosition& position : positions) {
    const std::string token = MakePageToken(Request(), position);
    EXPECT_EQ(Read(Request(), token, position.size()).value(), position);
    EXPECT_EQ(token.find_first_of("+/= "), std::string::npos) << "a token is part of URLs as it is";
  }
}

TEST(PageToken, IsTheSameForTheSameRequest) {
  EXPECT_EQ(MakePageToken(Request(), {"a", "b"}), MakePageToken(Request(), {"a", "b"}));
  EXPECT_NE(MakePageToken(Request(), {"a", "b"}), MakePageToken(Request(), {"ab", ""}));
}

TEST(PageToken, OfNoneIsTheStart) { EXPECT_EQ(Read(Request(), "", 2).value(), PagePosition()); }

TEST(PageToken, SurvivesAnotherPageSizeAndTheTokenBefore) {
  v1::ListInPosRequest second = Request();
  second.set_page_token(MakePageToken(Request(), {"a"}));
  const std::string token = MakePageToken(second, {"b"});

  v1::ListInPosRequest other_size = Request();
  other_size.set_page_size(500);

  EXPECT_EQ(Read(other_size, token).value(), PagePosition{"b"});
}

TEST(PageToken, BelongsToOneRequest) {
  const std::string token = MakePageToken(Request(), {"a"});
  ASSERT_TRUE(Read(Request(), token).ok());

  v1::ListInPosRequest other_merchant = Request();
  other_merchant.set_parent("merchants/other");
  ExpectRefused(Read(other_merchant, token), "another merchant");
  v1::ListInPosRequest more_channels = Request();
  more_channels.add_channels("merchants/default/channels/lazada");
  ExpectRefused(Read(more_channels, token), "more channels");
  v1::ListInPosRequest no_prefix = Request();
  no_prefix.clear_sku_prefix();
  ExpectRefused(Read(no_prefix, token), "no prefix");
}

TEST(PageToken, BelongsToOneMethod) {
  v1::ListSoldInChannelRequest sold;
  v1::ListInPosRequest in_pos;
  ASSERT_EQ(sold.SerializeAsString(), in_pos.SerializeAsString());
  const std::string token = MakePageToken(sold, {"a"});

  EXPECT_TRUE(Read(sold, token).ok());
  ExpectRefused(Read(in_pos, token), "another method with the same fields");
}

TEST(PageToken, HasTheColumnsThatAreAskedFor) {
  const std::string token = MakePageToken(Request(), {"a", "b"});

  EXPECT_TRUE(Read(Request(), token, 2).ok());
  ExpectRefused(Read(Request(), token, 0), "two columns too many");
  ExpectRefused(Read(Request(), token, 1), "one column too many");
  ExpectRefused(Read(Request(), token, 3), "one column missing");
}

TEST(PageToken, IsRefusedWithAnyCharacterChanged) {
  const std::string token = MakePageToken(Request(), {"key", "id"});
  for (std::size_t i = 0; i < token.size(); ++i) {
    for (char replacement : {'A', 'B', '_', '-', '9'}) {
      if (token[i] == replacement) continue;
      std::string changed = token;
      changed[i] = replacement;
      ExpectRefused(Read(Request(), changed), changed);
    }
  }
}

TEST(PageToken, IsRefusedWithAnyBitChanged) {
  std::string bytes;
  ASSERT_TRUE(absl::WebSafeBase64Unescape(MakePageToken(Request(), {"key", "id"}), &bytes));
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string changed = bytes;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    ExpectRefused(Read(Request(), absl::WebSafeBase64Escape(changed)), std::to_string(bit));
  }
}

TEST(PageToken, IsRefusedCutOrExtended) {
  const std::string token = MakePageToken(Request(), {"key", "id"});
  for (std::size_t length = 1; length < token.size(); ++length)
    ExpectRefused(Read(Request(), token.substr(0, length)), "cut");
  for (const char* tail : {"A", "AAAA", "=", " ", "\n"}) ExpectRefused(Read(Request(), token + tail), tail);
}

TEST(PageToken, IsRefusedWhenItIsNone) {
  for (const char* text : {"2", "next", "!!!!", "日本", "AQ", "AQAAAAAAAAAAAAAAAAAAAAA"})
    ExpectRefused(Read(Request(), text), text);
  ExpectRefused(Read(Request(), std::string(1'000'000, 'A')), "huge");
}

}  // namespace
}  // namespace skulink
