#include "server/sync/upload.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "common/errors.h"
#include "common/names.h"
#include "common/string_map.h"
#include "server/store/listings.h"
#include "server/store/merchants.h"
#include "server/sync/retry.h"

namespace skulink {
namespace {

// Variants of a transaction: of each a listing, its pushes and its report, and the variant's badges.
constexpr std::size_t kVariantsAtOnce = 1500;
// How long answers are kept in memory before they are written.
constexpr absl::Duration kReportEvery = absl::Seconds(1);

void TakeAnswer(const ItemCreated& answer, UploadGroup& group) {
  for (std::size_t i = 0; i < group.created.size(); ++i) {
    v1::JobItem& item = group.report[group.created[i]];
    if (answer.outcome.result != WriteResult::kOk) {
      item.set_outcome(v1::JOB_ITEM_OUTCOME_FAILED);
      item.set_reason(answer.outcome.result == WriteResult::kGone ? v1::ERROR_REASON_LISTING_GONE
                                                                  : v1::ERROR_REASON_CREATION_REFUSED);
      item.set_field(answer.outcome.field);
      item.set_description(answer.outcome.description.empty() ? "the Seller Center refused the item"
                                                              : answer.outcome.description);
    } else if (!answer.listings.empty()) {  // else it was validated only
      item.set_listing_id(answer.listings[i].listing_id);
      item.set_item_id(answer.listings[i].item_id);
    }
  }
}

}  // namespace

absl::Status Upload::Prepare(const std::string& request) {
  if (!request_.ParseFromString(request)) {
    return Error(absl::StatusCode::kDataLoss, v1::ERROR_REASON_INTERNAL, "the job's request cannot be read");
  }
  if (shop().max_items_per_create > 0) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_SELLER_CENTER_UNABLE,
               "the Seller Center cannot create items");
}

store::TransferPlan Upload::MakePlan(store::Session& session) {
  store::TransferPlan plan(kVariantsAtOnce);
  if (request_.all()) {
    store::PlanNotInChannel(session, job(), plan);
    return plan;
  }
  std::vector<store::VariantId> variants;
  for (const std::string& name : request_.variants()) {
    VariantName variant = *ParseVariantName(name, "variants");
    variants.push_back({std::move(variant.product), std::move(variant.variant)});
  }
  std::vector<std::string> products;
  for (const std::string& name : request_.products()) {
    products.push_back(ParseProductName(name, "products")->product);
  }
  store::PlanVariants(session, job(), variants, products, plan);
  return plan;
}

absl::Status Upload::Do(Groups groups, Groups) {
  if (IsFirm()) SKULINK_RETURN_IF_ERROR(AskAgain(groups));
  SKULINK_ASSIGN_OR_RETURN(std::vector<UploadGroup> decided, Decide(groups));
  const std::span<UploadGroup> all(decided);
  const auto limit = static_cast<std::size_t>(shop().max_items_per_create);
  std::size_t reported = 0, asked = 0;
  absl::Time since = absl::Now();
  while (reported < decided.size()) {
    std::size_t end = asked, creations = 0;
    while (end < decided.size() && creations + decided[end].creation.has_value() <= limit) {
      creations += decided[end++].creation.has_value();
    }
    const absl::Status status = Create(all.subspan(asked, end - asked));
    if (status.ok()) asked = end;
    if (status.ok() && asked < decided.size() && absl::Now() - since < kReportEvery) continue;
    // What was answered is not lost; what was not asked for need not be asked for again.
    SKULINK_RETURN_IF_ERROR(
        Report(all.subspan(reported, asked - reported), all.subspan(status.ok() ? decided.size() : end)));
    if (!status.ok()) return status;
    reported = asked;
    since = absl::Now();
  }
  return absl::OkStatus();
}

absl::Status Upload::AskAgain(Groups groups) {
  std::vector<std::int64_t> products;
  for (const store::TransferGroup& group : groups) products.push_back(ProductNumber(group));
  std::vector<store::CreationRecord> unknown;
  SKULINK_RETURN_IF_ERROR(WhileStoreIsAway([&] {
    return database().Read(
        [&](store::Session& session) { unknown = store::FindUnknownCreations(session, job(), products); });
  }));
  const auto limit = static_cast<std::size_t>(shop().max_items_per_create);
  for (std::size_t first = 0; first < unknown.size(); first += limit) {
    std::vector<Asked> asked;
    for (std::size_t i = first; i < std::min(first + limit, unknown.size()); ++i) {
      SKULINK_ASSIGN_OR_RETURN(ItemCreation creation, UnpackCreation(unknown[i].request));
      asked.push_back({.product = unknown[i].product, .creation = std::move(creation), .answer = {}});
    }
    SKULINK_RETURN_IF_ERROR(Ask(asked));
    SKULINK_RETURN_IF_ERROR(Save([&](store::Session& session, const store::Merchant& merchant,
                                     store::JobRecord& job) { Take(session, merchant, job, asked); }));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<UploadGroup>> Upload::Decide(Groups groups) {
  std::vector<UploadGroup> decided;
  const auto decide = [&](store::Session& session, const store::Merchant& merchant,
                          const store::JobRecord& job) {
    decided = UploadPiece(session, merchant, job, shop().item_limits).Decide(groups);
  };
  if (!IsFirm()) {
    SKULINK_RETURN_IF_ERROR(WhileStoreIsAway([&] {
      return database().Read([&](store::Session& session) {
        decide(session, store::RequireMerchant(session, merchant_id()), job());
      });
    }));
    return decided;
  }
  SKULINK_RETURN_IF_ERROR(
      Save([&](store::Session& session, const store::Merchant& merchant, store::JobRecord& job) {
        decide(session, merchant, job);
        std::vector<store::CreationRecord> records;
        for (const UploadGroup& group : decided) {
          if (!group.creation) continue;
          records.push_back({.product = group.product,
                             .key = group.creation->idempotency_key,
                             .request = PackCreation(*group.creation),
                             .item_id = {}});
        }
        store::SaveCreations(session, job, records);
      }));
  return decided;
}

absl::Status Upload::Create(std::span<UploadGroup> groups) {
  if (!IsFirm() && !shop().item_limits.can_validate) return absl::OkStatus();
  std::vector<Asked> asked;
  for (const UploadGroup& group : groups) {
    if (group.creation) asked.push_back({group.product, *group.creation, {}});
  }
  if (asked.empty()) return absl::OkStatus();
  SKULINK_RETURN_IF_ERROR(Ask(asked));
  std::size_t next = 0;
  for (UploadGroup& group : groups) {
    if (group.creation) group.answer = std::move(asked[next++].answer);
  }
  return absl::OkStatus();
}

absl::Status Upload::Ask(std::vector<Asked>& asked) {
  const auto creating = IsFirm() ? SellerCenter::Creating::kFirm : SellerCenter::Creating::kValidateOnly;
  std::vector<std::size_t> waiting(asked.size());
  for (std::size_t i = 0; i < asked.size(); ++i) waiting[i] = i;
  for (int failures = 1;; ++failures) {
    std::vector<ItemCreation> creations;
    for (const std::size_t i : waiting) creations.push_back(asked[i].creation);
    SKULINK_ASSIGN_OR_RETURN(std::vector<ItemCreated> answers, Patiently([&] {
                               return seller_center().CreateItems(creations, creating, stop());
                             }));
    std::vector<std::size_t> again;
    absl::Duration pause;
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      const WriteOutcome& outcome = answers[i].outcome;
      if (outcome.result == WriteResult::kRetry) {
        again.push_back(waiting[i]);
        pause = std::max(pause, outcome.retry_after.value_or(absl::ZeroDuration()));
      }
      asked[waiting[i]].answer = std::move(answers[i]);
    }
    if (again.empty() || failures >= kMaxFailures) return absl::OkStatus();
    waiting = std::move(again);
    SleepUnlessStopped(
        RetryPause(failures, Unavailable(v1::ERROR_REASON_SELLER_CENTER_THROTTLED, "not now", pause)),
        stop());
    if (stopped()) return absl::CancelledError("stopped");
  }
}

void Upload::Take(store::Session& session, const store::Merchant& merchant, const store::JobRecord& job,
                  const std::vector<Asked>& asked) {
  std::vector<store::CreationRecord> records;
  std::vector<const Listing*> listings;
  std::vector<std::string_view> ids;
  for (const Asked& one : asked) {
    const std::vector<Listing>& created = one.answer.listings;
    records.push_back({.product = one.product,
                       .key = one.creation.idempotency_key,
                       .request = {},
                       .outcome = static_cast<int>(one.answer.outcome.result),
                       .item_id = created.empty() ? one.creation.item_id : created.front().item_id});
    for (const Listing& listing : created) {
      listings.push_back(&listing);
      ids.push_back(listing.listing_id);
    }
  }
  // A scan may have found it since it was created; what that says is newer than an answer given once more.
  StringSet known;
  store::FindKnownListings(session, job.merchant_number, job.channel_number, ids,
                           [&](const store::KnownListing& listing) { known.emplace(listing.listing_id); });
  store::ListingChanges changes;
  for (const Listing* const listing : listings) {
    if (known.insert(listing->listing_id).second) changes.created.push_back(*listing);
  }
  if (!changes.created.empty()) {
    store::ApplyListingChanges(session, merchant, job.channel_number, changes, nullptr);
  }
  store::SaveOutcomes(session, job, records);
}

absl::Status Upload::Report(std::span<const UploadGroup> done, std::span<const UploadGroup> not_asked) {
  std::vector<Asked> asked;
  std::vector<v1::JobItem> items;
  std::int64_t items_created = 0;
  for (UploadGroup group : done) {
    if (group.answer) TakeAnswer(*group.answer, group);
    items_created += group.items_created;
    if (group.creation && group.creation->item_id.empty()) {
      items_created += !group.answer || group.answer->outcome.result == WriteResult::kOk;
    }
    std::move(group.report.begin(), group.report.end(), std::back_inserter(items));
    if (IsFirm() && group.creation) {
      asked.push_back({group.product, *std::move(group.creation), *std::move(group.answer)});
    }
  }
  std::vector<store::CreationRecord> forgotten;
  for (const UploadGroup& group : not_asked) {
    if (!IsFirm() || !group.creation) continue;
    forgotten.push_back(
        {.product = group.product, .key = group.creation->idempotency_key, .request = {}, .item_id = {}});
  }
  return Save([&](store::Session& session, const store::Merchant& merchant, store::JobRecord& job) {
    if (!asked.empty()) Take(session, merchant, job, asked);
    store::ForgetCreations(session, job, forgotten);
    NoteDone(session, job, done.size(), items, items_created);
  });
}

}  // namespace skulink
