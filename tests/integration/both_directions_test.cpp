// Random changes on both sides, scans, downloads, uploads and stock changes, by a server that sends to
// simulated shops, with random faults; after each, what Skulink has and what the shops have must be the
// model's.
#include <gmock/gmock.h>

#include <map>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/names.h"
#include "server/store/listings.h"
#include "server/store/push_list.h"
#include "tests/integration/both_directions_fixture.h"
#include "tests/integration/eventually.h"

namespace skulink {
namespace {

using testing::IsEmpty;
using JobEnd = BothDirectionsModel::JobEnd;

struct Run {
  unsigned seed;
  SkuCase sku_case;
};

class BothDirections : public BothDirectionsTest, public testing::WithParamInterface<Run> {
 protected:
  BothDirections() : BothDirectionsTest(GetParam().seed, GetParam().sku_case) {}

  void PlantInFullScan(const std::string& channel) {
    const int size = static_cast<int>(model_.seller_centers.at(channel).order.size());
    if (size > 0 && Below(2) == 0) {
      const FaultKind kind = OneOf(std::vector<FaultKind>{
          FaultKind::kThrottledWithDelay, FaultKind::kInternal, FaultKind::kConnectionCut,
          FaultKind::kExpiredToken, FaultKind::kEarlyEnd, FaultKind::kEarlyComplete, FaultKind::kEmptyShop,
          FaultKind::kMovedListing, FaultKind::kListingOnTwoPages, FaultKind::kMalformed,
          FaultKind::kDuplicateListing, FaultKind::kEmptyId, FaultKind::kPageTooLarge,
          FaultKind::kCountNegative, FaultKind::kSkuTooLong});
      Plant(channel, {.kind = kind, .page = kind == FaultKind::kEmptyShop ? 1 : 1 + Below(3)});
    }
    if (Below(3) == 0) PlantSome(channel, FaultyCall::kGetItems, false);
  }

  void FullScanSome() {
    const std::string channel = SomeChannel();
    PlantInFullScan(channel);
    const v1::Job job = AwaitEnd(StartScan(channel, v1::SCAN_MODE_FULL));
    ExpectEnd(job, model_.FullScan(channel));
    if (job.state() != v1::JOB_STATE_NEEDS_CONFIRMATION) return;
    const int what = Below(3);  // else it waits for the next job of the channel
    if (what == 0) {
      const auto confirmed = engine().ConfirmJob(NameOf(job));
      ASSERT_TRUE(confirmed.ok()) << confirmed.status();
      waiting_.erase(channel);
      ExpectEnd(AwaitEnd(*confirmed), model_.Confirm(channel));
    } else if (what == 1) {
      CancelWaiting(channel);
    }
  }
  void CancelWaiting(const std::string& channel) {
    const auto cancelled = engine().CancelJob(NameOf(waiting_.at(channel)), kPatient);
    ASSERT_TRUE(cancelled.ok()) << cancelled.status();
    EXPECT_EQ(cancelled->state(), v1::JOB_STATE_CANCELLED);
    waiting_.erase(channel);
  }

  void UpdatedScanSome() {
    const std::string channel = SomeChannel();
    if (!model_.seller_centers.at(channel).known_until) {
      EXPECT_EQ(ReasonOf(engine().StartJob(ScanOf(channel, v1::SCAN_MODE_UPDATED)).status()),
                v1::ERROR_REASON_FULL_SCAN_NEEDED);
      return;
    }
    const int what = Below(3);
    if (what == 0) Plant(channel, {.kind = OneOf(kPassing)});
    if (what == 1)
      Plant(channel,
            {.kind = OneOf(std::vector<FaultKind>{FaultKind::kExpiredToken, FaultKind::kMalformed})});
    ExpectEnd(AwaitEnd(StartScan(channel, v1::SCAN_MODE_UPDATED)), model_.UpdatedScan(channel));
  }

  void ItemScanSome() {
    const std::string channel = SomeChannel();
    v1::StartScanRequest request;
    for (int i = 1; i <= 5; ++i) {
      if (Below(2) == 0) request.add_item_ids(absl::StrCat(Below(3) == 0 ? "new-item-" : "i", i));
    }
    if (request.item_ids().empty()) request.add_item_ids("i1");
    PlantSome(channel, FaultyCall::kGetItems, false);
    const v1::Job job = AwaitEnd(StartScan(channel, v1::SCAN_MODE_ITEM, request.SerializeAsString()));
    ExpectEnd(job, model_.ItemScan(channel, {request.item_ids().begin(), request.item_ids().end()}));
  }

  // All channels at once, while a stock changes.
  void ScanAllChannels() {
    for (const auto& [channel, center] : model_.seller_centers) {
      if (Below(2) == 0) Plant(channel, {.kind = OneOf(kPassing)});
    }
    std::map<std::string, v1::Job> jobs;
    for (const auto& [channel, center] : model_.seller_centers) {
      const bool full = !center.known_until || Below(2) == 0;
      jobs[channel] = StartScan(channel, full ? v1::SCAN_MODE_FULL : v1::SCAN_MODE_UPDATED);
    }
    ChangeStock(VariantsInStep());
    engine().WakePushes();
    for (const auto& [channel, job] : jobs) {
      const bool full = job.scan_mode() == v1::SCAN_MODE_FULL;
      ExpectEnd(AwaitEnd(job), full ? model_.FullScan(channel) : model_.UpdatedScan(channel));
    }
  }

  void DownloadSome() {
    const std::string channel = SomeChannel();
    BothDirectionsModel::DownloadWhat what{
        .all = Below(2) == 0, .with_stock = Below(2) == 0, .dry_run = Below(4) == 0};
    v1::StartDownloadRequest request;
    for (const auto& [id, listing] : model_.channels.at(channel).listings) {
      if (what.all) break;
      if (Below(3) == 0) what.listings.insert(id);
      if (Below(6) == 0) what.items.insert(listing.item_id);
    }
    for (const std::string& id : what.listings) {
      request.add_listings(ToString(ListingName{"default", channel, id}));
    }
    for (const std::string& id : what.items) request.add_item_ids(id);
    request.set_all(what.all);
    request.set_with_stock(what.with_stock);
    request.set_validate_only(what.dry_run);
    if (Below(2) == 0) PlantSome(channel, FaultyCall::kGetItems, false);
    const v1::Job job = Transfer(channel, v1::JOB_KIND_DOWNLOAD, request);
    ExpectEnd(job, model_.Download(channel, what));
    if (!what.dry_run) downloaded_ += job.transfer().created();
  }

  void UploadSome() {
    const std::string channel = SomeChannel();
    BothDirectionsModel::UploadWhat what{.all = Below(3) == 0, .dry_run = Below(4) == 0};
    v1::StartUploadRequest request;
    for (const Product& product : model_.products) {
      if (what.all) break;
      if (Below(3) == 0) what.products.insert(product.id);
      for (const Variant& variant : product.variants) {
        if (Below(4) == 0) what.variants.emplace(product.id, variant.id);
      }
    }
    for (const std::string& id : what.products) request.add_products(ToString(ProductName{"default", id}));
    for (const auto& [product, variant] : what.variants) {
      request.add_variants(ToString(VariantName{"default", product, variant}));
    }
    request.set_all(what.all);
    request.set_validate_only(what.dry_run);
    if (Below(2) == 0) PlantSome(channel, FaultyCall::kCreateItems, true);
    if (Below(3) == 0) {
      simulator::Refusal refusal;
      refusal.set_call("create");
      refusal.set_id(OneOf(kSkus));
      refusal.set_times(1);
      refusal.set_result(Below(2) == 0 ? sellercenter::v1::WRITE_RESULT_RETRY
                                       : sellercenter::v1::WRITE_RESULT_REFUSED_LIMIT);
      shops_.at(channel)->Refuse(refusal);
      model_.seller_centers.at(channel).refused_skus[refusal.id()] =
          static_cast<WriteResult>(refusal.result());
    }
    const v1::Job job = Transfer(channel, v1::JOB_KIND_UPLOAD, request);
    ExpectEnd(job, model_.Upload(channel, what));
    if (!what.dry_run) uploaded_ += job.transfer().created();
  }

  static store::JobRequest ScanOf(const std::string& channel, v1::ScanMode mode,
                                  const std::string& request = "") {
    return {
        .channel = {"default", channel}, .kind = v1::JOB_KIND_SCAN, .scan_mode = mode, .request = request};
  }
  v1::Job StartScan(const std::string& channel, v1::ScanMode mode, const std::string& request = "") {
    return StartJob(ScanOf(channel, mode, request));
  }
  template <typename Request>
  v1::Job Transfer(const std::string& channel, v1::JobKind kind, const Request& request) {
    return AwaitEnd(StartJob({.channel = {"default", channel},
                              .kind = kind,
                              .validate_only = request.validate_only(),
                              .request = request.SerializeAsString()}));
  }
  // A scan that waits for confirmation makes way for a full scan, and for no other job.
  v1::Job StartJob(const store::JobRequest& request) {
    const std::string& channel = request.channel.channel;
    const bool waits = waiting_.contains(channel);
    const bool full = request.kind == v1::JOB_KIND_SCAN && request.scan_mode == v1::SCAN_MODE_FULL;
    if (waits && !full) {
      EXPECT_EQ(ReasonOf(engine().StartJob(request).status()), v1::ERROR_REASON_CHANNEL_BUSY);
      CancelWaiting(channel);
    }
    const auto job = engine().StartJob(request);
    if (!job.ok()) throw std::runtime_error(job.status().ToString());
    if (waits && full) {
      EXPECT_EQ(engine().GetJob(NameOf(waiting_.at(channel)))->state(), v1::JOB_STATE_CANCELLED);
      waiting_.erase(channel);
    }
    return *job;
  }

  void ExpectEnd(const v1::Job& job, const JobEnd& end) {
    SCOPED_TRACE(job.ShortDebugString());
    ++ends_[job.state()];
    EXPECT_EQ(v1::JobState_Name(job.state()), v1::JobState_Name(end.state));
    if (job.state() == v1::JOB_STATE_NEEDS_CONFIRMATION) {
      waiting_[ParseChannelName(job.channel(), "channel")->channel] = job;
    }
    if (job.kind() == v1::JOB_KIND_SCAN) return;
    std::vector<std::string> report;
    for (const v1::JobItem& item : Items(job)) {
      report.push_back(Text(job.kind(), item));
      ++reported_[{job.kind(), item.outcome(), item.reason()}];
    }
    EXPECT_EQ(report, end.report);
  }

  static std::string Text(v1::JobKind kind, const v1::JobItem& item) {
    std::string variant, listing;
    if (!item.variant().empty()) {
      const VariantName name = ParseVariantName(item.variant(), "variant").value();
      variant = absl::StrCat(name.product, "/", name.variant);
    }
    if (!item.listing_id().empty()) listing = absl::StrCat(item.item_id(), "/", item.listing_id());
    std::string what = v1::JobItemOutcome_Name(item.outcome()).substr(sizeof "JOB_ITEM_OUTCOME_" - 1);
    if (item.reason() != v1::ERROR_REASON_UNSPECIFIED) absl::StrAppend(&what, " ", ReasonName(item.reason()));
    if (kind == v1::JOB_KIND_UPLOAD) std::swap(variant, listing);
    return absl::StrCat(listing, " ", what, variant.empty() ? "" : " ", variant);
  }

  // ------------------------------------------------------------------ what there is afterwards

  void ExpectSettled() {
    engine().WakePushes();
    EXPECT_TRUE(Eventually([&] {
      return Number(
                 "SELECT (SELECT COUNT(*) FROM push p JOIN channel c USING (merchant_no, channel_no) WHERE "
                 "p.due IS NOT NULL AND IF(p.kind = 1, c.stock_sync, c.price_sync)) + "
                 "(SELECT COUNT(*) FROM channel WHERE push_all_after IS NOT NULL)") == 0;
    }));
  }

  void ExpectAsTheModel() {
    ExpectMenu(database(), model_, {}, 1 + Below(5), "default");
    ExpectMenu(database(), model_, {.channels = {SomeChannel()}}, 1 + Below(5), "default");
    ExpectReasons(database(), model_, {}, 1 + Below(5), "default");
    ExpectStatistics(database(), model_, "default");
    ExpectCatalogue(database(), model_, "default");
    ExpectVerified(database());
    ExpectPlannedPushes(database(), model_, "default");
    for (const auto& [channel, shop] : shops_) {
      SCOPED_TRACE(absl::StrCat("channel ", channel));
      ExpectListings(channel);
      ExpectOutcomes(channel);
      ExpectBooks(channel, *shop);
    }
  }

  // What is known of the shop, also what no view shows.
  void ExpectListings(const std::string& channel) {
    std::vector<std::string> has, expected;
    const absl::Status read = database().Read([&](store::Session& session) {
      has.clear();
      session.Query(absl::StrCat("SELECT ", store::kListingColumns,
                                 " FROM listing WHERE channel_no = ? ORDER BY listing_id"),
                    {model_.channels.at(channel).number},
                    [&](const store::Row& row) { has.push_back(Text(store::ListingFromRow(row, 0))); });
    });
    EXPECT_TRUE(read.ok()) << read;
    for (const auto& [id, listing] : model_.channels.at(channel).listings) expected.push_back(Text(listing));
    EXPECT_EQ(has, expected);
  }
  static std::string Text(const Listing& listing) { return ToProto({.listing = listing}).ShortDebugString(); }

  void ExpectOutcomes(const std::string& channel) {
    const auto& [stock_sync, price_sync] =
        std::pair(model_.channels.at(channel).stock_sync.enabled, model_.channels.at(channel).price_sync);
    const auto page = store::ListPushes(database(), "default", {.channel_id = channel, .limit = 1000});
    ASSERT_TRUE(page.ok()) << page.status();
    const auto& sent = model_.seller_centers.at(channel).sent;
    for (const v1::Push& push : page->pushes) {
      if (!(push.kind() == v1::PUSH_KIND_STOCK ? stock_sync : price_sync)) continue;
      const auto found = sent.find({ParseListingName(push.listing(), "listing")->listing, push.kind()});
      ASSERT_NE(found, sent.end()) << push.ShortDebugString();
      EXPECT_EQ(v1::PushOutcome_Name(push.outcome()), v1::PushOutcome_Name(found->second.outcome))
          << push.ShortDebugString();
      ++outcomes_[push.outcome()];
    }
  }

  // Whatever was created is there once, and each listing has what the model says.
  void ExpectBooks(const std::string& channel, const simulator::SimulatedSellerCenter& shop) {
    std::map<std::string, std::string> has, expected;
    for (const simulator::ListingBooks& books : shop.AllListingBooks()) {
      has[books.listing().listing_id()] = books.listing().ShortDebugString();
    }
    for (const auto& [id, offer] : model_.seller_centers.at(channel).offers) {
      // Of one that is gone only that matters.
      if (offer.removed) {
        has.erase(id);
      } else {
        expected[id] = ToProto(offer).ShortDebugString();
      }
    }
    EXPECT_EQ(has, expected);
    EXPECT_THAT(shop.violations(), IsEmpty());
    EXPECT_LE(shop.most_in_flight(), 1);
  }

  std::map<std::string, v1::Job> waiting_;  // scans that need confirmation, by channel

  // What the run met.
  std::int64_t downloaded_ = 0, uploaded_ = 0;
  std::map<v1::JobState, int> ends_;
  std::map<std::tuple<v1::JobKind, v1::JobItemOutcome, v1::ErrorReason>, int> reported_;
  std::map<v1::PushOutcome, int> outcomes_;
};

TEST_P(BothDirections, AreInStepAfterEveryStep) {
  for (int step = 0; step < 80; ++step) {
    const int kind = Below(100);
    SCOPED_TRACE(absl::StrCat("seed ", GetParam().seed, " step ", step, " kind ", kind));
    model_.now += absl::Minutes(OneOf(std::vector<int>{0, 1, 3, 6}));
    for (const auto& [channel, shop] : shops_) shop->SetClock(model_.now);
    const bool all_channels = kind >= 95;
    if (!all_channels) PlantInPushes();
    if (kind < 20) {
      SellerChanges();
    } else if (kind < 28) {
      UpdateSomeProduct();
    } else if (kind < 31) {
      CreateProduct();
    } else if (kind < 34) {
      ImportSome();
    } else if (kind < 39) {
      DeleteSomeProduct();
    } else if (kind < 45) {
      ChangeStock(Variants());
    } else if (kind < 49) {
      ChangeSync();
    } else if (kind < 61) {
      FullScanSome();
    } else if (kind < 68) {
      UpdatedScanSome();
    } else if (kind < 72) {
      ItemScanSome();
    } else if (kind < 83) {
      DownloadSome();
    } else if (kind < 95) {
      UploadSome();
    } else {
      ScanAllChannels();
    }
    model_.NumberProducts();
    model_.Settle();
    ExpectSettled();
    ClearFaults();
    ExpectAsTheModel();
    if (HasFailure()) break;
  }
  // The run met what it is for.
  EXPECT_GT(downloaded_, 0);
  EXPECT_GT(uploaded_, 0);
  EXPECT_GE(reported_.size(), 6U);
  EXPECT_GT(ends_[v1::JOB_STATE_SUCCEEDED], 10);
  EXPECT_GT(ends_[v1::JOB_STATE_FAILED], 0);
  EXPECT_GT(outcomes_[v1::PUSH_OUTCOME_APPLIED], 10);
  int faults_met = 0;
  for (const auto& [channel, center] : model_.seller_centers) faults_met += center.faults_met;
  EXPECT_GT(faults_met, 5);
}

INSTANTIATE_TEST_SUITE_P(Seeds, BothDirections,
                         testing::Values(Run{1, SkuCase::kSensitive}, Run{2, SkuCase::kIgnore},
                                         Run{5, SkuCase::kSensitive}, Run{6, SkuCase::kIgnore},
                                         Run{43, SkuCase::kSensitive}),
                         [](const auto& run) { return absl::StrCat("Seed", run.param.seed); });

}  // namespace
}  // namespace skulink
