#include "common/names.h"

#include <gtest/gtest.h>

#include "common/errors.h"

namespace skulink {
namespace {

using namespace std::string_literals;

TEST(Names, HaveTheFormsOfTheApi) {
  EXPECT_EQ(ToString(MerchantName{"toko-1"}), "merchants/toko-1");
  EXPECT_EQ(ToString(ProductName{"m", "P 1"}), "merchants/m/products/P 1");
  EXPECT_EQ(ToString(VariantName{"m", "p", "v"}), "merchants/m/products/p/variants/v");
  EXPECT_EQ(ToString(ChannelName{"m", "shopee"}), "merchants/m/channels/shopee");
  EXPECT_EQ(ToString(ListingName{"m", "c", "l"}), "merchants/m/channels/c/listings/l");
  EXPECT_EQ(ToString(JobName{"m", "0a-1"}), "merchants/m/jobs/0a-1");
}

TEST(Names, AreReadPartByPart) {
  EXPECT_EQ(ParseMerchantName("merchants/toko-1", "name")->merchant, "toko-1");
  EXPECT_EQ(ParseProductName("merchants/m/products/P 1", "name")->product, "P 1");
  const auto variant = ParseVariantName("merchants/m/products/p/variants/v", "name");
  EXPECT_EQ(variant->merchant + "," + variant->product + "," + variant->variant, "m,p,v");
  const auto channel = ParseChannelName("merchants/m/channels/c", "name");
  EXPECT_EQ(channel->merchant + "," + channel->channel, "m,c");
  const auto listing = ParseListingName("merchants/m/channels/c/listings/l", "name");
  EXPECT_EQ(listing->merchant + "," + listing->channel + "," + listing->listing, "m,c,l");
  const auto job = ParseJobName("merchants/m/jobs/0a-1", "name");
  EXPECT_EQ(job->merchant + "," + job->job, "m,0a-1");
}

TEST(Names, EncodeWhatWouldBreakThem) {
  EXPECT_EQ(ToString(ProductName{"m", "a/b"}), "merchants/m/products/a%2Fb");
  EXPECT_EQ(ToString(ProductName{"m", "50%"}), "merchants/m/products/50%25");
  EXPECT_EQ(ToString(ProductName{"m", "\0\n\x7F"s}), "merchants/m/products/%00%0A%7F");
  EXPECT_EQ(ToString(ProductName{"m", "\u0080\u009F\u00A0é\u00C2x"}),
            "merchants/m/products/%C2%80%C2%9F\u00A0é\u00C2x");
}

TEST(Names, ComeBackWithNastyIds) {
  for (const std::string& id : {"/"s, "//"s, "%"s, "%2F"s, "%252F"s, "%zz"s, "../.."s, "a/variants/b"s,
                                "a b"s, "日本 ✨"s, "\u00C2\u00A0x"s, "?&#=+"s, "\"'`\\"s, "é\u0301"s,
                                std::string(128, '/'), std::string(128, '%'), "\u200B"s}) {
    const auto variant = ParseVariantName(ToString(VariantName{"m", id, id}), "name");
    ASSERT_TRUE(variant.ok()) << id << ": " << variant.status();
    EXPECT_EQ(variant->product, id);
    EXPECT_EQ(variant->variant, id);
    EXPECT_EQ(ParseListingName(ToString(ListingName{"m", "c", id}), "name")->listing, id);
  }
}

TEST(Names, AreReadWithMoreEncodedThanNeeded) {
  EXPECT_EQ(ParseProductName("merchants/m/products/%41%2f%c3%a9", "name")->product, "A/é");
}

TEST(Names, ThatAreEmptyAreRequired) {
  const absl::Status status = ParseChannelName("", "parent").status();

  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_FIELD_REQUIRED);
  EXPECT_EQ(FieldOf(status), "parent");
}

TEST(Names, OfAnotherFormAreRefusedWithTheForm) {
  for (const std::string& name : {"m"s,
                                  "merchants"s,
                                  "merchants/"s,
                                  "merchants/m"s,
                                  "merchants/m/"s,
                                  "merchants/m/products"s,
                                  "/merchants/m/products/p"s,
                                  "merchants/m/products/p/"s,
                                  "merchants/m/products/p/variants/v"s,
                                  "merchants/m/channels/p"s,
                                  "merchants//m/products/p"s,
                                  "Merchants/m/products/p"s,
                                  "merchants/m/products/%"s,
                                  "merchants/m/products/%4"s,
                                  "merchants/m/products/%4g"s,
                                  "merchants/m/products/%-1"s,
                                  "merchants/m/products/% 1"s,
                                  "merchants%2Fm/products/p"s,
                                  " merchants/m/products/p"s,
                                  "//skulink/merchants/m/products/p"s}) {
    const absl::Status status = ParseProductName(name, "name").status();
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_FORMAT_INVALID) << name;
    EXPECT_EQ(FieldOf(status), "name") << name;
    EXPECT_EQ(
        std::string(status.message()).find("name must have the form merchants/{merchant}/products/{product}"),
        0U)
        << status;
  }
}

TEST(Names, WithIdsThatCannotBeAreRefusedWithTheIdsRule) {
  EXPECT_EQ(ParseMerchantName("merchants/Toko", "name").status().message(),
            "name must have the form merchants/{merchant}; {merchant} must be 1 to 63 of a-z, 0-9 and -, a "
            "letter first");
  EXPECT_EQ(
      ParseProductName("merchants/m/products/%00", "name").status().message(),
      "name must have the form merchants/{merchant}/products/{product}; {product} holds a control character");
  for (const std::string& id : {"%FF"s, "\xFF"s, "%C2"s, "%20a"s, "a%C2%A0"s, "%0A"s, "%C2%85"s, "%E2%80%A8"s,
                                std::string(129, 'a')}) {
    const absl::Status status = ParseListingName("merchants/m/channels/c/listings/" + id, "name").status();
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_FORMAT_INVALID) << id;
  }
  for (const std::string& job : {""s, "A"s, "a_b"s, "%2F"s, std::string(64, '1')}) {
    EXPECT_FALSE(ParseJobName("merchants/m/jobs/" + job, "name").ok()) << job;
  }
  EXPECT_TRUE(ParseJobName("merchants/m/jobs/" + std::string(63, '1'), "name").ok());
  EXPECT_FALSE(ParseChannelName("merchants/m/channels/1a", "name").ok());
}

TEST(CheckSlug, TakesLowerCaseLettersDigitsAndDashes) {
  for (const std::string& id : {"a"s, "toko-1"s, "a--"s, std::string(63, 'z')})
    EXPECT_TRUE(CheckSlug(id, "id").ok()) << id;
  for (const std::string& id :
       {"A"s, "1a"s, "-a"s, "a_b"s, "a b"s, "a\0"s, "é"s, "a/b"s, std::string(64, 'z')}) {
    EXPECT_EQ(ReasonOf(CheckSlug(id, "channel_id")), v1::ERROR_REASON_FORMAT_INVALID) << id;
    EXPECT_EQ(FieldOf(CheckSlug(id, "channel_id")), "channel_id") << id;
  }
  EXPECT_EQ(ReasonOf(CheckSlug("", "id")), v1::ERROR_REASON_FIELD_REQUIRED);
}

TEST(CheckForeignId, TakesWhatOthersCallTheirThings) {
  std::string longest;
  for (int i = 0; i < 128; ++i) longest += "日";

  for (const std::string& id : {"1"s, "SKU/1 %"s, "日本"s, longest})
    EXPECT_TRUE(CheckForeignId(id, "id").ok()) << id;
  EXPECT_EQ(ReasonOf(CheckForeignId("", "id")), v1::ERROR_REASON_FIELD_REQUIRED);
  EXPECT_EQ(ReasonOf(CheckForeignId(" \u3000", "id")), v1::ERROR_REASON_FIELD_REQUIRED);
  EXPECT_EQ(ReasonOf(CheckForeignId(longest + "a", "id")), v1::ERROR_REASON_FIELD_TOO_LONG);
  EXPECT_EQ(ReasonOf(CheckForeignId("\xFF", "id")), v1::ERROR_REASON_TEXT_INVALID);
  EXPECT_EQ(ReasonOf(CheckForeignId("a\tb", "id")), v1::ERROR_REASON_TEXT_INVALID);
  EXPECT_EQ(ReasonOf(CheckForeignId("a ", "id")), v1::ERROR_REASON_FORMAT_INVALID);
  EXPECT_EQ(ReasonOf(CheckForeignId("\u00A0"
                                    "a",
                                    "id")),
            v1::ERROR_REASON_FORMAT_INVALID);
}

}  // namespace
}  // namespace skulink
