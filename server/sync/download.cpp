#include "server/sync/download.h"

#include <algorithm>
#include <span>
#include <utility>

#include "absl/time/clock.h"
#include "common/errors.h"
#include "common/names.h"
#include "server/store/catalog_edit.h"
#include "server/store/merchants.h"

namespace skulink {
namespace {

// Of a transaction: listings at most, and rows. Each listing may make one in each of a few tables, and change
// those of its key.
constexpr std::int64_t kListingsAtOnce = 2000, kWrittenAtOnce = 9000, kTables = 5;
// How long answers are gathered for one transaction, and how many listings, asked for or not.
constexpr absl::Duration kGather = absl::Seconds(1);
constexpr std::size_t kListingsGathered = 20'000;

}  // namespace

void Download::Forget() { ahead_ = {}; }  // waits for it: RunPhases failed, and it was told to stop

absl::Status Download::Prepare(const std::string& request) {
  if (!request_.ParseFromString(request)) {
    return Error(absl::StatusCode::kDataLoss, v1::ERROR_REASON_INTERNAL, "the job's request cannot be read");
  }
  options_ = {.channel_id = job().channel_id, .with_stock = request_.with_stock()};
  return WhileStoreIsAway([&] {
    return database().Read([&](store::Session& session) {
      currency_ = store::RequireMerchant(session, merchant_id()).currency;
    });
  });
}

std::size_t Download::RowsAtOnce(store::Session& session) const {
  const std::int64_t of_key = store::RowsOfKey(session, merchant_number());
  return static_cast<std::size_t>(std::min(kListingsAtOnce, kWrittenAtOnce / (kTables + of_key)));
}

store::TransferPlan Download::MakePlan(store::Session& session) {
  store::TransferPlan plan(RowsAtOnce(session));
  if (request_.all()) {
    store::PlanNotInPos(session, job(), plan);
    return plan;
  }
  std::vector<std::string> listings;
  for (const std::string& name : request_.listings()) {
    listings.push_back(ParseListingName(name, "listings")->listing);
  }
  store::PlanListings(session, job(), listings, {request_.item_ids().begin(), request_.item_ids().end()},
                      plan);
  return plan;
}

absl::StatusOr<Download::Fetched> Download::Fetch(Groups groups) {
  Fetched fetched;
  std::vector<std::string> ids;
  for (const store::TransferGroup& group : groups) ids.push_back(group.parent);
  const absl::Time until = absl::Now() + kGather;
  while (
      fetched.groups < groups.size() &&
      (fetched.groups == 0 || (absl::Now() < until && fetched.items.entries().size() < kListingsGathered))) {
    absl::StatusOr<OfFirst<FoundItems>> of_first = GetFirstItems(std::span(ids).subspan(fetched.groups));
    if (!of_first.ok() && fetched.groups > 0) break;  // what was answered is not lost
    if (!of_first.ok()) return of_first.status();
    if (of_first->answer.ok()) {
      fetched.items.Add(*std::move(of_first->answer), currency_);
    } else {
      fetched.items.AddFailed(ids[fetched.groups], of_first->answer.status());
    }
    fetched.groups += of_first->count;
  }
  SKULINK_ASSIGN_OR_RETURN(fetched.changes, FindChanges(fetched.items));
  return fetched;
}

absl::Status Download::Do(Groups groups, Groups following) {
  SKULINK_ASSIGN_OR_RETURN(Fetched fetched, ahead_.valid() ? ahead_.get() : Fetch(groups));
  const Groups now = groups.first(fetched.groups);
  const Groups next = now.size() < groups.size() ? groups.subspan(now.size()) : following;
  if (!next.empty()) {
    // Deferred where no thread can be had: then it is asked for when it is needed.
    ahead_ = std::async(std::launch::async | std::launch::deferred, [this, next] { return Fetch(next); });
  }
  // Some of these may be among what was written while they were looked at.
  if (wrote_listings_) {
    SKULINK_ASSIGN_OR_RETURN(fetched.changes, FindChanges(fetched.items));
  }
  SKULINK_ASSIGN_OR_RETURN(const StringSet changed, TakeChanges(std::move(fetched.changes)));
  wrote_listings_ = !changed.empty();
  return Save([&](store::Session& session, const store::Merchant& merchant, store::JobRecord& job) {
    DownloadPiece piece(session, merchant, job, fetched.items, options_);
    piece.Decide(now, changed, RowsAtOnce(session));
    job.job.validate_only() ? piece.WritePlanned() : piece.Write();
    NoteDone(session, job, now.size(), piece.report(), piece.products_created());
  });
}

}  // namespace skulink
