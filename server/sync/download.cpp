#include "server/sync/download.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/time/clock.h"
#include "common/errors.h"
#include "common/names.h"
#include "server/store/catalog_edit.h"
#include "server/store/listings.h"

namespace skulink {
namespace {

// Of a transaction: listings at most, and rows. Each listing may make one in each of a few tables, and change
// those of its key.
constexpr std::int64_t kListingsAtOnce = 2000, kWrittenAtOnce = 9000, kTables = 5;
// How long answers are gathered for one transaction.
constexpr absl::Duration kGather = absl::Seconds(1);

}  // namespace

absl::Status Download::Prepare(const std::string& request) {
  if (!request_.ParseFromString(request)) {
    return Error(absl::StatusCode::kDataLoss, v1::ERROR_REASON_INTERNAL, "the job's request cannot be read");
  }
  options_ = {.channel_id = job().channel_id, .with_stock = request_.with_stock()};
  return absl::OkStatus();
}

store::TransferPlan Download::MakePlan(store::Session& session) {
  const std::int64_t of_key = store::RowsOfKey(session, merchant_number());
  store::TransferPlan plan(
      static_cast<std::size_t>(std::min(kListingsAtOnce, kWrittenAtOnce / (kTables + of_key))));
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
  const absl::Time until = absl::Now() + kGather;
  while (fetched.groups < groups.size() && (fetched.groups == 0 || absl::Now() < until)) {
    std::vector<std::string> ids;
    const std::size_t end =
        std::min(groups.size(), fetched.groups + static_cast<std::size_t>(shop().max_items_per_get));
    for (; fetched.groups < end; ++fetched.groups) ids.push_back(groups[fetched.groups].parent);
    SKULINK_ASSIGN_OR_RETURN(FoundItems found,
                             Patiently([&] { return seller_center().GetItems(ids, stop()); }));
    fetched.items.Add(std::move(found));
  }
  return fetched;
}

absl::Status Download::Do(Groups groups, Groups following) {
  SKULINK_ASSIGN_OR_RETURN(const Fetched fetched, ahead_.valid() ? ahead_.get() : Fetch(groups));
  const Groups now = groups.first(fetched.groups);
  const Groups next = now.size() < groups.size() ? groups.subspan(now.size()) : following;
  if (!next.empty()) {
    // Deferred where no thread can be had: then it is asked for when it is needed.
    ahead_ = std::async(std::launch::async | std::launch::deferred, [this, next] { return Fetch(next); });
  }
  return Save([&](store::Session& session, const store::Merchant& merchant, store::JobRecord& job) {
    const store::ListingChanges changes = ChangesOf(session, job, fetched.items);
    const bool dry_run = job.job.validate_only();
    if (!dry_run && !(changes.created.empty() && changes.updated.empty())) {
      store::ApplyListingChanges(session, merchant, job.channel_number, changes, nullptr);
    }
    DownloadPiece piece(session, merchant, job, fetched.items, options_);
    piece.Decide(now, changes);
    dry_run ? piece.WritePlanned() : piece.Write();
    NoteDone(session, job, now.size(), piece.report(), piece.products_created());
  });
}

}  // namespace skulink
