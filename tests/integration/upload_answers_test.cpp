// Uploads: answers that are odd, late or lost, and that nothing is made twice for it.
#include <algorithm>

#include "absl/time/time.h"
#include "server/store/channels.h"
#include "tests/integration/eventually.h"
#include "tests/integration/upload_fixture.h"

namespace skulink {
namespace {

namespace proto = sellercenter::v1;

using Created = proto::CreateItemsResponse;
using Creations = proto::CreateItemsRequest;

class UploadAnswersTest : public UploadTest {
 protected:
  // Calls `spoil` with each listing of an answer.
  template <typename Spoil>
  void SpoilListings(const Spoil& spoil) {
    shop().OnCreate([spoil](const Creations&, Created* answer) {
      if (answer != nullptr) {
        for (proto::ItemCreated& result : *answer->mutable_results()) {
          for (proto::Listing& listing : *result.mutable_listings()) spoil(listing);
        }
      }
      return grpc::Status::OK;
    });
  }
  void AnswerWell() { shop().OnCreate(nullptr); }
};

TEST_F(UploadAnswersTest, TakesPricesWithoutCurrencyAsThoseOfTheMerchant) {
  Import(MakeProduct("p1", {"A-1"}));
  SpoilListings([](proto::Listing& listing) { listing.mutable_price()->clear_currency_code(); });

  EXPECT_EQ(Upload(Products({"p1"})).transfer().created(), 1);

  EXPECT_EQ(Scan().progress().unchanged(), 1);
}

TEST_F(UploadAnswersTest, AsksForPricesWithoutCurrencyInThatOfTheMerchant) {
  Import(MakeProduct("p1", {"A-1"}));
  Execute("UPDATE variant SET currency = ''");
  UploadWithoutAnswer(Products({"p1"}));

  EXPECT_EQ(Upload(Products({"p1"})).transfer().created(), 1);

  ASSERT_THAT(shop().AllListingBooks(), SizeIs(1));
  EXPECT_EQ(shop().AllListingBooks()[0].listing().price().currency_code(), "IDR");
}

TEST_F(UploadAnswersTest, TakesSkusWithoutWhiteSpaceAtTheEnds) {
  store::Product product = MakeProduct("p1", {" A-1 "});
  product.variants[0].id = "v-A-1";
  Import(product);
  SpoilListings([](proto::Listing& listing) { listing.set_seller_sku("A-1"); });

  EXPECT_EQ(Upload(Products({"p1"})).transfer().created(), 1);

  EXPECT_EQ(Number("SELECT COUNT(*) FROM listing WHERE seller_sku = 'A-1'"), 1);
}

TEST_F(UploadAnswersTest, TakesWhatWasAskedForWhereTheAnswerSaysNothing) {
  Import(MakeProduct("p1", {"A-1"}));
  SpoilListings([](proto::Listing& listing) {
    listing.clear_seller_sku();
    listing.clear_title();
  });

  EXPECT_EQ(Upload(Products({"p1"})).transfer().created(), 1);

  EXPECT_EQ(Number("SELECT COUNT(*) FROM listing WHERE seller_sku = 'A-1' AND name = 'Produk p1'"), 1);
}

TEST_F(UploadAnswersTest, FailsOnlyTheCreationWhoseAnswerCannotBeTaken) {
  Import(MakeProduct("p1", {"A-1"}));
  Import(MakeProduct("p2", {"B-1"}));
  SpoilListings([](proto::Listing& listing) {
    if (listing.seller_sku() == "A-1") listing.clear_listing_id();
  });

  const v1::Job job = Upload(Products({"p1", "p2"}));

  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  EXPECT_THAT(Outcomes(job),
              (OutcomeMap{{"v-A-1", "FAILED SELLER_CENTER_ANSWER_INVALID"}, {"v-B-1", "CREATED"}}));
  // What became of it is not known yet, so nothing else is made of it.
  EXPECT_THAT(Outcomes(Upload(Products({"p1"}))), (OutcomeMap{{"v-A-1", "FAILED CREATION_PENDING"}}));
  AnswerWell();
  EXPECT_THAT(Outcomes(Upload(Products({"p1"}))), (OutcomeMap{{"v-A-1", "CREATED"}}));
  EXPECT_EQ(shop().AllBooks().creations_size(), 2);
}

TEST_F(UploadAnswersTest, FindsTheCreationForWhichACallIsRefused) {
  std::vector<std::string> ids;
  OutcomeMap expected;
  for (int i = 0; i < 7; ++i) {
    ids.push_back("p" + std::to_string(i));
    Import(MakeProduct(ids.back(), {"A-" + ids.back()}));
    expected["v-A-" + ids.back()] = i == 4 ? "FAILED CREATION_REFUSED" : "CREATED";
  }
  shop().OnCreate([](const Creations& request, Created*) {
    for (const proto::ItemCreation& creation : request.creations()) {
      if (creation.title() == "Produk p4")
        return grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "forbidden word");
    }
    return grpc::Status::OK;
  });

  const v1::Job job = Upload(Products(ids));

  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  EXPECT_EQ(Outcomes(job), expected);
  EXPECT_THAT(Items(job)[4].description(), testing::HasSubstr("forbidden word"));
  AnswerWell();
  EXPECT_THAT(Outcomes(Upload(Products({"p4"}))), (OutcomeMap{{"v-A-p4", "CREATED"}}));
}

TEST_F(UploadAnswersTest, KeepsWhatWasAnsweredBeforeACallFailed) {
  Import(MakeProduct("p1", {"A-1"}));
  Import(MakeProduct("p2", {"B-1"}));
  shop().OnCreate([calls = 0](const Creations&, Created* answer) mutable {
    if (answer == nullptr) {
      return ++calls == 2 ? grpc::Status(grpc::StatusCode::UNAUTHENTICATED, "expired") : grpc::Status::OK;
    }
    if (calls == 1) {
      answer->mutable_results(1)->clear_listings();
      answer->mutable_results(1)->mutable_outcome()->set_result(proto::WRITE_RESULT_RETRY);
    }
    return grpc::Status::OK;
  });

  const v1::Job job = Upload(Products({"p1", "p2"}));

  EXPECT_EQ(job.state(), v1::JOB_STATE_FAILED);
  EXPECT_EQ(ReasonOf(FromProto(job.error())), v1::ERROR_REASON_SELLER_CENTER_UNAUTHENTICATED);
  EXPECT_THAT(Outcomes(job), (OutcomeMap{{"v-A-1", "CREATED"}}));
  EXPECT_THAT(SoldInChannel(), ElementsAre("A-1"));
  EXPECT_THAT(Outcomes(Upload(Products({"p1", "p2"}))),
              (OutcomeMap{{"v-A-1", "SKIPPED ALREADY_LINKED"}, {"v-B-1", "CREATED"}}));
  EXPECT_THAT(Books(shop()), SizeIs(2));
}

TEST_F(UploadAnswersTest, AsksTheSameNextTimeWhenTheShopPutsItOffForTooLong) {
  Import(MakeProduct("p1", {"A-1"}));
  Import(MakeProduct("p2", {"B-1"}));
  shop().Refuse(Refusal(proto::WRITE_RESULT_RETRY, 6, "A-1"));

  const v1::Job job = Upload(Products({"p1", "p2"}));

  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  EXPECT_THAT(Outcomes(job), (OutcomeMap{{"v-A-1", "FAILED CREATION_PENDING"}, {"v-B-1", "CREATED"}}));
  EXPECT_THAT(Outcomes(Upload(Products({"p1"}))), (OutcomeMap{{"v-A-1", "CREATED"}}));
  EXPECT_EQ(shop().AllBooks().creations_size(), 2) << "no other key";
}

TEST_F(UploadAnswersTest, MakesNoSecondItemOfAProductThatWasImportedAnew) {
  Import(MakeProduct("p1", {"A-1"}));
  UploadWithoutAnswer(Products({"p1"}));
  ASSERT_TRUE(store::DeleteProduct(database(), "default", "p1", std::nullopt).ok());
  Import(MakeProduct("p1", {"A-1"}));

  const v1::Job job = Upload(Products({"p1"}));

  EXPECT_THAT(Outcomes(job), (OutcomeMap{{"v-A-1", "SKIPPED ALREADY_LINKED"}}));
  EXPECT_THAT(Books(shop()), SizeIs(1));
}

TEST_F(UploadAnswersTest, MakesNoSecondListingOfASkuThatIsAnotherProductsNow) {
  Import(MakeProduct("p1", {"A-1"}));
  UploadWithoutAnswer(Products({"p1"}));
  store::Product product = MakeProduct("p1", {"A-2"});
  product.variants[0].id = "v-A-1";
  Import(product);
  Import(MakeProduct("p2", {"A-1"}));
  // The shop goes on to put it off.
  shop().Refuse(Refusal(proto::WRITE_RESULT_RETRY, 6, "A-1"));
  shop().OnCreate([](const Creations&, Created* answer) {
    if (answer != nullptr) {
      for (proto::ItemCreated& result : *answer->mutable_results()) {
        result.clear_listings();
        result.mutable_outcome()->set_result(proto::WRITE_RESULT_RETRY);
      }
    }
    return grpc::Status::OK;
  });

  EXPECT_THAT(Outcomes(Upload(Products({"p2"}))), (OutcomeMap{{"v-A-1", "FAILED CREATION_PENDING"}}));
  AnswerWell();
  EXPECT_THAT(Outcomes(Upload(Products({"p2"}))), (OutcomeMap{{"v-A-1", "SKIPPED ALREADY_LINKED"}}));
  EXPECT_THAT(Books(shop()), SizeIs(1));
}

TEST_F(UploadAnswersTest, TakesWhatAScanFoundForWhatBecameOfACreation) {
  Import(MakeProduct("p1", {"A-1"}));
  UploadWithoutAnswer(Products({"p1"}));
  Scan();
  const int calls = shop().books().create_items_calls;

  const v1::Job job = Upload(Products({"p1"}));

  EXPECT_THAT(Outcomes(job), (OutcomeMap{{"v-A-1", "SKIPPED ALREADY_LINKED"}}));
  EXPECT_EQ(shop().books().create_items_calls, calls);
  EXPECT_EQ(Number("SELECT COUNT(*) FROM item_creation WHERE outcome = 0"), 0);
}

TEST_F(UploadAnswersTest, TakesWhatTheShopHasNowOfACreationThatIsAskedForOnceMore) {
  Import(MakeProduct("p1", {"A-1=Merah", "A-2=Biru"}));
  UploadWithoutAnswer(Products({"p1"}));
  std::vector<simulator::ListingBooks> books = shop().AllListingBooks();
  ASSERT_THAT(books, SizeIs(2));
  const bool first = books[0].listing().seller_sku() == "A-1";
  proto::Listing changed = books[first ? 0 : 1].listing();
  changed.set_state(proto::LISTING_STATE_INACTIVE);
  shop().Upsert(changed);

  const v1::Job job = Upload(Products({"p1"}));

  EXPECT_THAT(Outcomes(job), (OutcomeMap{{"v-A-1", "CREATED"}, {"v-A-2", "CREATED"}}));
  EXPECT_THAT(SoldInChannel(), ElementsAre("A-2"));
  EXPECT_EQ(Scan().progress().unchanged(), 2);
}

// The shop may be about to show it, so that it is not made once more before a scan says what is there.
TEST_F(UploadAnswersTest, WhatTheShopDoesNotShowOfACreationIsNotLive) {
  Import(MakeProduct("p1", {"A-1"}));
  UploadWithoutAnswer(Products({"p1"}));
  shop().Remove(shop().AllListingBooks()[0].listing().listing_id());

  Upload(Products({"p1"}));

  EXPECT_THAT(SoldInChannel(), IsEmpty());
  EXPECT_THAT(Outcomes(Upload(Products({"p1"}))), (OutcomeMap{{"v-A-1", "SKIPPED ALREADY_LINKED"}}));
  EXPECT_EQ(Scan().progress().removed(), 1);
  EXPECT_THAT(Outcomes(Upload(Products({"p1"}))), (OutcomeMap{{"v-A-1", "CREATED"}}));
  EXPECT_THAT(Books(shop()), SizeIs(1));
}

TEST_F(UploadAnswersTest, AsksNotOnceMoreForAProductThatIsGone) {
  Import(MakeProduct("p1", {"A-1"}));
  shop().OnCreate(
      [](const auto&, const auto*) { return grpc::Status(grpc::StatusCode::UNAUTHENTICATED, "expired"); });
  EXPECT_EQ(Upload(Products({"p1"})).state(), v1::JOB_STATE_FAILED);
  AnswerWell();
  ASSERT_TRUE(store::DeleteProduct(database(), "default", "p1", std::nullopt).ok());
  Import(MakeProduct("p2", {"B-1"}));

  EXPECT_THAT(Outcomes(Upload(Products({"p2"}))), (OutcomeMap{{"v-B-1", "CREATED"}}));

  EXPECT_THAT(Books(shop()), SizeIs(1));
  // A product that wants the SKU asks for the same, lest there are two.
  Import(MakeProduct("p3", {"A-1"}));
  EXPECT_THAT(Outcomes(Upload(Products({"p3"}))), (OutcomeMap{{"v-A-1", "SKIPPED ALREADY_LINKED"}}));
  EXPECT_EQ(shop().AllBooks().creations_size(), 2) << "no other key";
}

TEST_F(UploadAnswersTest, AddsAListingOfACorrectedSkuToTheItemThatItMade) {
  Import(MakeProduct("p1", {"A-1=Merah"}));
  Upload(Products({"p1"}));
  store::Product product = MakeProduct("p1", {"A-01=Merah tua"});
  product.variants[0].id = "v-A-1";
  Import(product);

  EXPECT_THAT(Outcomes(Upload(Products({"p1"}))), (OutcomeMap{{"v-A-1", "CREATED"}}));
  const auto books = Books(shop());
  ASSERT_THAT(books, SizeIs(2));
  EXPECT_EQ(books.find("A-1")->second, books.find("A-01")->second);
}

TEST_F(UploadAnswersTest, MakesANewItemOnceTheShopHasNothingOfTheOneThatItMade) {
  Import(MakeProduct("p1", {"A-1"}));
  Upload(Products({"p1"}));
  Import(MakeProduct("p2", {"B-1"}));
  Upload(Products({"p2"}));
  shop().Remove(shop().AllListingBooks()[0].listing().listing_id());
  Scan();

  EXPECT_EQ(Upload(Products({"p1", "p2"})).transfer().parents_created(), 1);
}

TEST_F(UploadAnswersTest, DecidesAnewWhatAShopIsTooSlowFor) {
  // Two calls take longer than a decision holds.
  auto& other = AddShop({.max_items_per_create = 1, .write_latency = std::chrono::milliseconds(5100)});
  for (const char* id : {"p1", "p2", "p3"}) Import(MakeProduct(id, {std::string("A-") + id}));
  const v1::Job job = StartUpload(Products({"p1", "p2", "p3"}), "other");
  ASSERT_TRUE(Eventually([&] { return other.books().create_items_calls == 1; }));
  store::Product product = MakeProduct("p3", {"A-p3"});
  product.name = "Nama baru";
  Import(product);

  EXPECT_EQ(AwaitEnd(job).transfer().created(), 3);
  const simulator::Books books = other.AllBooks();
  ASSERT_EQ(books.creations_size(), 3);
  EXPECT_EQ(
      std::count_if(books.creations().begin(), books.creations().end(),
                    [](const auto& creation) { return creation.listings(0).item_title() == "Nama baru"; }),
      1);
  EXPECT_EQ(Number("SELECT COUNT(*) FROM item_creation"), 3);
}

TEST_F(UploadAnswersTest, KeepsOfACreationOnlyTheItemOnceTheJobIsOver) {
  Import(MakeProduct("p1", {"A-1"}));
  Import(MakeProduct("p2", {"B-1"}));
  shop().Refuse(Refusal(proto::WRITE_RESULT_REFUSED_LIMIT, 1, "B-1"));

  Upload(Products({"p1", "p2"}));

  EXPECT_TRUE(
      Eventually([&] { return Number("SELECT COUNT(*) FROM item_creation WHERE request <> ''") == 0; }));
  EXPECT_EQ(Number("SELECT COUNT(*) FROM item_creation WHERE item_id <> ''"), 1);
}

}  // namespace
}  // namespace skulink
