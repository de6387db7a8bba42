// Downloads and uploads of a shop that fails for some of what it is asked for, is slow, or wants to be left
// alone.
#include <algorithm>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/integration/eventually.h"
#include "tests/integration/upload_fixture.h"

namespace skulink {
namespace {

namespace proto = sellercenter::v1;

using Created = proto::CreateItemsResponse;
using Creations = proto::CreateItemsRequest;

const grpc::Status kFails(grpc::StatusCode::INTERNAL, "this one is too much");

class TransferFaultsTest : public UploadTest {
 protected:
  void FailCreationsOf(const std::string& title) {
    shop().OnCreate([title](const Creations& request, Created*) {
      const bool there = std::any_of(request.creations().begin(), request.creations().end(),
                                     [&](const auto& creation) { return creation.title() == title; });
      return there ? kFails : grpc::Status::OK;
    });
  }
};

TEST_F(TransferFaultsTest, AnItemForWhichTheShopFailsIsLeftOutOfADownload) {
  shop().SetListings(MakeListings(8));
  Scan();
  shop().FailItem("item-2", {grpc::StatusCode::INVALID_ARGUMENT, "bad item"});
  v1::StartDownloadRequest dry = All();
  dry.set_validate_only(true);
  OutcomeMap expected;
  for (int number = 1; number <= 8; ++number) expected[ListingId(number)] = "CREATED";
  expected[ListingId(3)] = expected[ListingId(4)] = "FAILED SELLER_CENTER_FAILED";

  EXPECT_EQ(Outcomes(Download(dry)), expected);
  const v1::Job job = Download();

  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  EXPECT_EQ(Outcomes(job), expected);
  EXPECT_THAT(NotInPos(), ElementsAre(ListingId(3), ListingId(4)));
  shop().ClearFaults();
  EXPECT_EQ(Download().transfer().created(), 2);
}

TEST_F(TransferFaultsTest, ACreationForWhichTheShopFailsHoldsUpNoOther) {
  OutcomeMap expected;
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) {
    ids.push_back("p" + std::to_string(i));
    Import(MakeProduct(ids.back(), {"A-" + ids.back()}));
    expected["v-A-" + ids.back()] = i == 2 ? "FAILED SELLER_CENTER_FAILED" : "CREATED";
  }
  FailCreationsOf("Produk p2");

  const v1::Job job = Upload(Products(ids));

  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  EXPECT_EQ(Outcomes(job), expected);
  // It may have been made: nothing else is made of it before that is known, and others go on.
  Import(MakeProduct("p9", {"A-p9"}));
  EXPECT_THAT(Outcomes(Upload(Products({"p2", "p9"}))),
              (OutcomeMap{{"v-A-p2", "FAILED CREATION_PENDING"}, {"v-A-p9", "CREATED"}}));
  shop().OnCreate(nullptr);
  EXPECT_THAT(Outcomes(Upload(Products({"p2"}))), (OutcomeMap{{"v-A-p2", "CREATED"}}));
  EXPECT_THAT(Books(shop()), SizeIs(6));
}

TEST_F(TransferFaultsTest, AShopThatFailsForAllEndsTheUpload) {
  std::vector<std::string> ids;
  for (int i = 0; i < 25; ++i) {
    ids.push_back("p" + std::to_string(i));
    Import(MakeProduct(ids.back(), {"A-" + std::to_string(i)}));
  }
  shop().OnCreate([](const auto&, const auto*) { return kFails; });

  const v1::Job job = Upload(Products(ids));

  EXPECT_EQ(job.state(), v1::JOB_STATE_FAILED);
  EXPECT_EQ(ReasonOf(FromProto(job.error())), v1::ERROR_REASON_SELLER_CENTER_FAILED);
  // What is not of these goes on.
  shop().OnCreate([](const Creations& request, Created*) {
    return request.creations(0).title() == "Produk q" ? grpc::Status::OK : kFails;
  });
  Import(MakeProduct("q", {"Q-1"}));
  EXPECT_THAT(Outcomes(Upload(Products({"q"}))), (OutcomeMap{{"v-Q-1", "CREATED"}}));
}

TEST_F(TransferFaultsTest, AShopThatFailsForAllItemsEndsTheDownload) {
  shop().SetListings(MakeListings(60));
  Scan();
  for (int item = 1; item <= 30; ++item) {
    shop().FailItem("item-" + std::to_string(item), {grpc::StatusCode::INVALID_ARGUMENT, "suspended"});
  }

  const v1::Job job = Download();

  EXPECT_EQ(job.state(), v1::JOB_STATE_FAILED);
  EXPECT_LT(shop().books().get_items_calls, 30);
}

TEST_F(TransferFaultsTest, WhatPassesAfterSomethingWasLeftOutIsWaitedFor) {
  shop().SetListings(MakeListings(8));
  Scan();
  shop().FailItem("item-1", kFails);  // two calls with others, and six alone
  shop().AddFault({.kind = FaultKind::kThrottled, .times = 1, .call = FaultyCall::kGetItems, .after = 8});

  const v1::Job job = Download();

  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  EXPECT_EQ(job.transfer().created(), 6);
}

TEST_F(TransferFaultsTest, WhatWasMadeIsShownThoughTheShopPutsAnotherOffForLong) {
  Import(MakeProduct("p1", {"A-1"}));
  Import(MakeProduct("p2", {"B-1"}));
  simulator::Refusal late = Refusal(proto::WRITE_RESULT_RETRY, 1, "A-1");
  late.mutable_retry_after()->set_seconds(3 * 3600);
  shop().Refuse(late);

  const v1::Job job = Upload(Products({"p1", "p2"}));

  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED) << job.ShortDebugString();
  EXPECT_THAT(Outcomes(job), (OutcomeMap{{"v-A-1", "FAILED CREATION_PENDING"}, {"v-B-1", "CREATED"}}));
  EXPECT_EQ(shop().books().create_items_calls, 1);
}

TEST_F(TransferFaultsTest, WhatACancelledUploadDidNotAskForIsNotMadeLater) {
  auto& other = AddShop({.max_items_per_create = 1, .max_requests_per_second = 0.05});
  Import(MakeProduct("p1", {"A-1"}));
  Import(MakeProduct("p2", {"B-1"}));
  const v1::Job job = StartUpload(Products({"p1", "p2"}), "other");
  ASSERT_TRUE(Eventually([&] { return Number("SELECT COUNT(*) FROM item_creation") == 2; }));

  const auto cancelled = engine().CancelJob(NameOf(job), kPatient);

  ASSERT_TRUE(cancelled.ok()) << cancelled.status();
  EXPECT_EQ(cancelled->state(), v1::JOB_STATE_CANCELLED);
  EXPECT_LE(Number("SELECT COUNT(*) FROM item_creation"), other.books().create_items_calls);
}

TEST_F(TransferFaultsTest, AProductThatIsSelectedTwiceIsMadeOnce) {
  std::vector<std::string> ids;
  for (int i = 0; i < 600; ++i) {
    ids.push_back("p" + std::to_string(i));
    Import(MakeProduct(ids.back(), {"A-" + std::to_string(i)}));
  }
  v1::StartUploadRequest request = Products(ids);
  request.MergeFrom(Products(ids));
  request.set_validate_only(true);

  const v1::Job job = Upload(request);

  EXPECT_EQ(job.transfer().created(), 600) << job.ShortDebugString();
}

}  // namespace
}  // namespace skulink
