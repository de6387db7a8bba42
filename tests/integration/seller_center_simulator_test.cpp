#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/integration/seller_center_fixture.h"
#include "tests/seller_center_simulator/listings_file.h"

namespace skulink {
namespace {

using simulator::BrokenListingsFile;
using simulator::ListingBook;
using simulator::ParseFault;
using simulator::ReadListingsFile;
using simulator::SimulatedSellerCenter;

class ListingsFile : public testing::Test {
 protected:
  ListingsFile() {
    std::string name = testing::TempDir() + "listings.XXXXXX";
    folder_ = mkdtemp(name.data());
  }
  ~ListingsFile() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& content) const {
    std::ofstream(File()) << content;
    return File();
  }
  std::string File() const { return folder_ / "channel.test.jsonl"; }

  std::filesystem::path folder_;
};

TEST_F(ListingsFile, IsServed) {
  Write(
      R"({"gtin":"123","item_id":"I1","listing_id":"L1","name":"Baju \"A\"","price":19.99,"seller_sku":" a ","status":"active","stock":3})"
      "\n"
      R"({"gtin":"","item_id":"I1","listing_id":"L2","name":"Kaos","price":150000,"seller_sku":null,"status":"archived","stock":0})"
      "\n"
      R"({"listing_id":"L3","status":"deleted"})"
      "\n");

  SimulatedSellerCenter shop({}, ReadListingsFile(File(), "USD"));
  Listed listed = List(*Connect(shop.address()), 10);

  ASSERT_TRUE(listed.status.ok()) << listed.status;
  ASSERT_EQ(listed.Ids(), (std::vector<std::string>{"L1", "L2", "L3"}));
  const std::vector<Listing>& listings = listed.pages[0].listings;
  EXPECT_EQ(listings[0].name, "Baju \"A\"");
  EXPECT_EQ(listings[0].seller_sku, " a ");
  EXPECT_EQ(listings[0].price, (Money{.ten_thousandths = 199'900, .currency = "USD"}));
  EXPECT_EQ(listings[0].gtin, "123");
  EXPECT_EQ(listings[0].stock, 3);
  EXPECT_EQ(listings[0].state, ListingState::kLive);
  EXPECT_EQ(listings[1].seller_sku, "");
  EXPECT_EQ(listings[1].stock, 0);
  EXPECT_EQ(listings[1].state, ListingState::kInactive);
  EXPECT_EQ(listings[2].state, ListingState::kDeleted);
  EXPECT_EQ(listings[2].price, std::nullopt);
}

struct BrokenLine {
  std::string name, line, problem;
};

class BrokenListingsFiles : public ListingsFile, public testing::WithParamInterface<BrokenLine> {};

TEST_P(BrokenListingsFiles, AreRefusedWithLineAndField) {
  Write(R"({"listing_id":"L1"})"
        "\n" +
        GetParam().line + "\n");

  try {
    ReadListingsFile(File(), "IDR");
    FAIL() << "was taken";
  } catch (const BrokenListingsFile& broken) {
    EXPECT_EQ(broken.what(), File() + ":2: " + GetParam().problem);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Lines, BrokenListingsFiles,
    testing::Values(
        BrokenLine{"IdTwice", R"({"listing_id":"L1"})", "listing_id: was given on an earlier line"},
        BrokenLine{"IdMissing", R"({"name":"x"})", "listing_id: is missing"},
        BrokenLine{"IdNull", R"({"listing_id":null})", "listing_id: must be a text"},
        BrokenLine{"IdEmpty", R"({"listing_id":""})", "listing_id: is empty"},
        BrokenLine{"NotAnObject", R"(["L2"])", "line: must be a JSON object"},
        BrokenLine{"NotUtf8", "{\"listing_id\":\"\xff\"}", "line: is not UTF-8"},
        BrokenLine{"UnknownField", R"({"listing_id":"L2","colour":"red"})",
                   "colour: is not a field of a listing"},
        BrokenLine{"FieldTwice", R"({"listing_id":"L2","stock":1,"stock":2})", "stock: is given twice"},
        BrokenLine{"SkuANumber", R"({"listing_id":"L2","seller_sku":12})", "seller_sku: must be a text"},
        BrokenLine{"PriceAText", R"({"listing_id":"L2","price":"12"})", "price: must be a number"},
        BrokenLine{"PriceBelowZero", R"({"listing_id":"L2","price":-1})", "price: is below zero"},
        BrokenLine{"PriceTooPrecise", R"({"listing_id":"L2","price":1.00001})",
                   "price: has more than four decimals"},
        BrokenLine{"StockAFraction", R"({"listing_id":"L2","stock":1.5})", "stock: must be a whole number"},
        BrokenLine{"StockBelowZero", R"({"listing_id":"L2","stock":-1})", "stock: is below zero"},
        BrokenLine{
            "StatusUnknown", R"({"listing_id":"L2","status":"sold"})",
            "status: must be one of active, inactive, archived, deleted, pending, suspended, unknown"}),
    [](const auto& test) { return test.param.name; });

TEST_F(ListingsFile, BrokenJsonIsRefused) {
  Write("{\"listing_id\":\"L1\"}\n{\"listing_id\":\n");
  try {
    ReadListingsFile(File(), "IDR");
    FAIL() << "was taken";
  } catch (const BrokenListingsFile& broken) {
    EXPECT_EQ(std::string(broken.what()).rfind(File() + ":2: line: is not JSON", 0), 0u) << broken.what();
  }
}

TEST_F(ListingsFile, ThatIsNotThereIsRefused) {
  EXPECT_THROW(ReadListingsFile(File(), "IDR"), BrokenListingsFile);
}

TEST(SimulatorFaults, AreReadFromText) {
  auto fault = ParseFault("expired-token:3:2");
  ASSERT_TRUE(fault.has_value());
  EXPECT_EQ(fault->kind, simulator::FaultKind::kExpiredToken);
  EXPECT_EQ(fault->page, 3);
  EXPECT_EQ(fault->times, 2);
  EXPECT_EQ(ParseFault("hang")->page, 1);
  EXPECT_EQ(ParseFault("hang")->times, std::nullopt);
  EXPECT_EQ(ParseFault("internal:describe")->call, simulator::FaultyCall::kDescribeShop);
  EXPECT_EQ(ParseFault("throttled:get:1")->call, simulator::FaultyCall::kGetItems);
}

TEST(SimulatorFaults, OfAnotherFormAreRefused) {
  for (const char* bad : {"", "no-such-fault", "hang:0", "hang:-1", "hang:x", "hang:1:0", "hang:1:2:3",
                          "hang:", "empty-id:describe"}) {
    EXPECT_EQ(ParseFault(bad), std::nullopt) << bad;
  }
}

TEST(SimulatorBooks, CountWhatWasAskedAndSent) {
  SimulatedSellerCenter shop;
  shop.SetListings(MakeListings(5));
  std::unique_ptr<SellerCenter> center = Connect(shop.address());

  ASSERT_TRUE(center->DescribeShop().ok());
  ASSERT_TRUE(List(*center, 2).status.ok());
  ASSERT_TRUE(center->GetItems({"item-1", "item-2"}).ok());

  EXPECT_EQ(shop.books().describe_shop_calls, 1);
  EXPECT_EQ(shop.books().list_listings_calls, 1);
  EXPECT_EQ(shop.books().get_items_calls, 1);
  EXPECT_EQ(shop.books().items_asked, 2);
  EXPECT_EQ(shop.books().pages_sent, 3);
}

TEST(SimulatorBooks, KeepTheirPlaceWhenListingsAreRemoved) {
  SimulatedSellerCenter shop;
  shop.SetListings(MakeListings(6));
  std::unique_ptr<SellerCenter> center = Connect(shop.address());
  std::string after_two = List(*center, 2).pages.at(0).resume_token;
  for (int number : {1, 2, 6}) shop.Remove(ListingId(number));

  Listed rest = List(*center, 2, after_two);

  ASSERT_TRUE(rest.status.ok()) << rest.status;
  EXPECT_EQ(rest.Ids(), (std::vector<std::string>{"listing-3", "listing-4", "listing-5"}));
}

}  // namespace
}  // namespace skulink
