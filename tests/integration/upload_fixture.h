#pragma once

#include <map>
#include <memory>
#include <string>

#include "tests/integration/transfer_fixture.h"

// What tests of uploads need again and again.
namespace skulink {

using simulator::FaultKind;
using simulator::FaultyCall;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

using OutcomeMap = std::map<std::string, std::string>;

class UploadTest : public TransferTest {
 protected:
  // A shop with other options, as channel `other`.
  simulator::SimulatedSellerCenter& AddShop(const simulator::ShopOptions& options) {
    other_ = std::make_unique<simulator::SimulatedSellerCenter>(options);
    AddChannel("other", other_->address());
    return *other_;
  }
  // What the shop really has, by SKU, with its item.
  static std::multimap<std::string, std::string> Books(const simulator::SimulatedSellerCenter& shop) {
    std::multimap<std::string, std::string> books;
    for (const simulator::ListingBooks& listing : shop.AllListingBooks()) {
      if (listing.listing().state() == sellercenter::v1::LISTING_STATE_DELETED) continue;
      books.emplace(listing.listing().seller_sku(), listing.listing().item_id());
    }
    return books;
  }
  static simulator::Refusal Refusal(sellercenter::v1::WriteResult result, int times,
                                    const std::string& sku = "") {
    simulator::Refusal refusal;
    refusal.set_call("create");
    refusal.set_result(result);
    refusal.set_times(times);
    refusal.set_id(sku);
    return refusal;
  }
  // Uploads the products: the shop makes them, and ends the call and so the job with an error.
  void UploadWithoutAnswer(const v1::StartUploadRequest& request) {
    shop().OnCreate([](const auto&, const auto* answer) {
      return answer == nullptr ? grpc::Status::OK
                               : grpc::Status(grpc::StatusCode::UNAUTHENTICATED, "expired");
    });
    EXPECT_EQ(Upload(request).state(), v1::JOB_STATE_FAILED);
    shop().OnCreate(nullptr);
  }

  void TearDown() override {
    StopEngine();
    EXPECT_THAT(shop().violations(), IsEmpty());
    if (other_ != nullptr) {
      EXPECT_THAT(other_->violations(), IsEmpty());
    }
    TransferTest::TearDown();
  }

 private:
  std::unique_ptr<simulator::SimulatedSellerCenter> other_;
};

}  // namespace skulink
