#include "server/sync/upload.h"

#include <algorithm>
#include <future>
#include <iterator>
#include <set>
#include <utility>

#include "absl/time/clock.h"
#include "common/errors.h"
#include "common/names.h"
#include "common/string_map.h"
#include "server/store/listings.h"
#include "server/store/merchants.h"
#include "server/sync/download_piece.h"
#include "server/sync/pending_creations.h"
#include "server/sync/retry.h"

namespace skulink {
namespace {

// Variants that are decided at once.
constexpr std::size_t kVariantsAtOnce = 6000;
// Variants, and for how long, whose answers are kept in memory before they are written. Of each a listing,
// its pushes and its report, and the variant's badges.
constexpr std::size_t kVariantsOfReport = 1000;
constexpr absl::Duration kReportEvery = absl::Seconds(1);
// After so long what the POS says is looked at anew.
constexpr absl::Duration kDecisionAge = absl::Seconds(10);
// One that is put off for longer is left to the next upload.
constexpr absl::Duration kLongestPutOff = absl::Seconds(10);
// Creations that are forgotten in one transaction.
constexpr std::size_t kForgottenAtOnce = 1000;

void Fail(v1::ErrorReason reason, std::string_view field, std::string_view description, v1::JobItem& item) {
  item.set_outcome(v1::JOB_ITEM_OUTCOME_FAILED);
  item.set_reason(reason);
  item.set_field(std::string(field));
  item.set_description(std::string(description));
}

void TakeAnswer(const ItemCreated& answer, v1::JobItem& item) {
  const WriteOutcome& outcome = answer.outcome;
  const auto said = [&](std::string_view otherwise) {
    return outcome.description.empty() ? otherwise : std::string_view(outcome.description);
  };
  if (!answer.invalid.ok()) {
    Fail(ReasonOf(answer.invalid), "", std::string(answer.invalid.message()), item);
  } else if (outcome.result == WriteResult::kRetry) {
    Fail(v1::ERROR_REASON_CREATION_PENDING, outcome.field,
         said("the Seller Center puts it off: it may be tried again"), item);
  } else if (outcome.result == WriteResult::kGone) {
    Fail(v1::ERROR_REASON_LISTING_GONE, outcome.field, said("the Seller Center no longer has the item"),
         item);
  } else if (outcome.result != WriteResult::kOk) {
    Fail(v1::ERROR_REASON_CREATION_REFUSED, outcome.field, said("the Seller Center refused the item"), item);
  }
}

// Answers are for each creation in the group's report, as its listings are.
void TakeAnswer(UploadGroup& group) {
  const ItemCreated& answer = *group.answer;
  for (std::size_t i = 0; i < group.created.size(); ++i) {
    v1::JobItem& item = group.report[group.created[i]];
    TakeAnswer(answer, item);
    if (answer.listings.empty()) continue;  // it was refused, or validated only
    item.set_listing_id(answer.listings[i].listing_id);
    item.set_item_id(answer.listings[i].item_id);
  }
}

// What a creation that was asked for alone is answered by a call that failed.
ItemCreated AnswerOf(const absl::Status& status) {
  // A failure, and an answer that makes no sense, say nothing of what was done.
  if (absl::IsUnavailable(status) || ReasonOf(status) == v1::ERROR_REASON_SELLER_CENTER_ANSWER_INVALID)
    return {.outcome = {}, .invalid = status};
  return {.outcome = {.result = WriteResult::kRefused, .description = std::string(status.message())}};
}

bool IsSettled(const UploadGroup& group) { return !group.creation || group.answer; }

}  // namespace

absl::Status Upload::Prepare(const std::string& request) {
  if (!request_.ParseFromString(request)) {
    return Error(absl::StatusCode::kDataLoss, v1::ERROR_REASON_INTERNAL, "the job's request cannot be read");
  }
  if (shop().max_items_per_create == 0) {
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_SELLER_CENTER_UNABLE,
                 "the Seller Center cannot create items");
  }
  creations_at_once_.SetMost(static_cast<std::size_t>(shop().max_items_per_create));
  firm_ = !job().job.validate_only();
  return firm_ ? AskAgain() : absl::OkStatus();
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
  SKULINK_ASSIGN_OR_RETURN(std::vector<UploadGroup> decided,
                           Decide(groups.first(std::min(groups_at_once_, groups.size()))));
  const absl::Time until = absl::Now() + kDecisionAge;
  std::span<UploadGroup> left(decided);
  Asked asked = AskSome(left);
  while (true) {
    const std::span<UploadGroup> answered = left.first(asked.groups);
    left = left.subspan(asked.groups);
    const bool goes_on = asked.status.ok() && !left.empty() && absl::Now() < until;
    // The next are asked for while these are written.
    std::future<Asked> next;
    if (goes_on) {
      next = std::async(std::launch::async | std::launch::deferred, [this, left] { return AskSome(left); });
    }
    absl::Status status = Report(answered);  // what was answered is not lost
    if (!goes_on) {
      const std::size_t done = decided.size() - left.size();
      groups_at_once_ = std::max<std::size_t>(left.empty() ? groups_at_once_ : 1, 2 * done);
      status.Update(ForgetUnsent(decided));
      return status.ok() ? asked.status : status;
    }
    if (!status.ok()) {
      next = {};  // waits for what is under way: those answers will be given again
      status.Update(ForgetUnsent(decided));
      return status;
    }
    asked = next.get();
  }
}

absl::Status Upload::AskAgain() {
  store::CreationRecord last;
  while (true) {
    PendingCreations pending;
    SKULINK_RETURN_IF_ERROR(WhileStoreIsAway([&] {
      absl::StatusOr<PendingCreations> read =
          ReadPendingCreations(database(), job(), last, shop().max_items_per_create);
      if (read.ok()) pending = *std::move(read);
      return read.status();
    }));
    if (!pending.last) return absl::OkStatus();
    last = *std::move(pending.last);
    const absl::Status asked = Ask(pending.groups);
    SKULINK_RETURN_IF_ERROR(ReadAnswered(pending.groups, pending.currency));
    SKULINK_RETURN_IF_ERROR(
        Save([&](store::Session& session, const store::Merchant& merchant, store::JobRecord& job) {
          Take(session, merchant, job, pending.groups, 0);
          store::SaveOutcomes(session, job, pending.found);
        }));
    // What always fails stays unknown, and holds up what is not of the same products and SKUs no longer.
    if (MayPassWithFewer(asked)) return absl::OkStatus();
    SKULINK_RETURN_IF_ERROR(asked);
  }
}

absl::Status Upload::ReadAnswered(std::span<UploadGroup> groups, const std::string& currency) {
  std::vector<Listing*> answered;
  std::set<std::string> distinct;
  for (UploadGroup& group : groups) {
    if (!group.answer || !group.answer->known()) continue;
    for (Listing& listing : group.answer->listings) {
      answered.push_back(&listing);
      distinct.insert(listing.item_id);
    }
  }
  const std::vector<std::string> ids(distinct.begin(), distinct.end());
  DownloadedItems items;
  for (std::span<const std::string> left = ids; !left.empty();) {
    absl::StatusOr<OfFirst<FoundItems>> some = GetFirstItems(left);
    if (!some.ok() && MayPassWithFewer(some.status())) break;  // what is not found is in no known state
    if (!some.ok()) return some.status();
    if (some->answer.ok()) items.Add(*std::move(some->answer), currency);
    left = left.subspan(some->count);
  }
  for (Listing* const listing : answered) {
    if (items.Find(listing->listing_id) == nullptr) listing->state = ListingState::kUnknown;
  }
  SKULINK_ASSIGN_OR_RETURN(store::ListingChanges changes, FindChanges(items));
  return TakeChanges(std::move(changes)).status();
}

absl::StatusOr<std::vector<UploadGroup>> Upload::Decide(Groups groups) {
  std::vector<UploadGroup> decided;
  const auto decide = [&](store::Session& session, const store::Merchant& merchant,
                          const store::JobRecord& job) {
    decided = UploadPiece(session, merchant, job, shop().item_limits).Decide(groups);
  };
  if (!firm_) {
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
          records.push_back({.job_id = job.job_id,
                             .product = group.product,
                             .key = group.creation->idempotency_key,
                             .request = PackCreation(*group.creation),
                             .item_id = {}});
        }
        store::SaveCreations(session, job, records);
      }));
  return decided;
}

Upload::Asked Upload::AskSome(std::span<UploadGroup> groups) {
  const absl::Time until = absl::Now() + kReportEvery;
  Asked asked;
  std::size_t variants = 0;
  do {
    std::size_t end = asked.groups, creations = 0;
    for (; end < groups.size(); ++end) {
      creations += groups[end].creation.has_value();
      const std::size_t of_group = groups[end].report.size();
      if (creations > creations_at_once_.now() || (end > 0 && variants + of_group > kVariantsOfReport)) break;
      variants += of_group;
    }
    if (end == asked.groups) break;  // the next is too large to come with these
    asked.status = Ask(groups.subspan(asked.groups, end - asked.groups));
    asked.groups = end;
  } while (asked.status.ok() && asked.groups < groups.size() && variants < kVariantsOfReport &&
           absl::Now() < until);
  return asked;
}

absl::Status Upload::Ask(std::span<UploadGroup> groups) {
  std::vector<UploadGroup*> waiting;
  for (UploadGroup& group : groups) {
    if (group.creation) waiting.push_back(&group);
  }
  for (int failures = 1; !waiting.empty(); ++failures) {
    SKULINK_RETURN_IF_ERROR(AskOnce(waiting));
    absl::Duration pause;
    std::erase_if(waiting, [&](const UploadGroup* group) {
      const WriteOutcome& outcome = group->answer->outcome;
      const absl::Duration put_off = outcome.retry_after.value_or(absl::ZeroDuration());
      const bool again =
          group->answer->invalid.ok() && outcome.result == WriteResult::kRetry && put_off <= kLongestPutOff;
      if (again) pause = std::max(pause, put_off);
      return !again;
    });
    if (waiting.empty() || failures >= kMaxFailures) break;
    for (UploadGroup* const group : waiting) group->answer.reset();
    SleepUnlessStopped(
        RetryPause(failures, Unavailable(v1::ERROR_REASON_SELLER_CENTER_THROTTLED, "not now", pause)),
        stop());
    if (stopped()) return absl::CancelledError("stopped");
  }
  return absl::OkStatus();
}

absl::Status Upload::AskOnce(std::span<UploadGroup* const> groups) {
  if (!firm_ && !shop().item_limits.can_validate) {
    for (UploadGroup* const group : groups)
      group->answer = ItemCreated{.outcome = {.result = WriteResult::kOk}};
    return absl::OkStatus();
  }
  const auto creating = firm_ ? SellerCenter::Creating::kFirm : SellerCenter::Creating::kValidateOnly;
  while (!groups.empty()) {
    const auto create = [&](std::size_t count) {
      std::vector<ItemCreation> creations;
      for (UploadGroup* const group : groups.first(count)) {
        creations.push_back(*group->creation);
        group->sent = true;
      }
      return seller_center().CreateItems(creations, creating, stop());
    };
    SKULINK_ASSIGN_OR_RETURN(OfFirst<std::vector<ItemCreated>> of_first,
                             AskForFirst(groups.size(), creations_at_once_, create));
    for (std::size_t i = 0; i < of_first.count; ++i) {
      groups[i]->answer =
          of_first.answer.ok() ? std::move((*of_first.answer)[i]) : AnswerOf(of_first.answer.status());
    }
    groups = groups.subspan(of_first.count);
  }
  return absl::OkStatus();
}

void Upload::Take(store::Session& session, const store::Merchant& merchant, const store::JobRecord& job,
                  std::span<const UploadGroup> groups, std::size_t done) {
  std::vector<store::CreationRecord> records;
  std::vector<const Listing*> listings;
  std::vector<std::string_view> ids;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const UploadGroup& group = groups[i];
    if (!group.creation || !group.answer || !group.answer->known()) continue;
    const std::vector<Listing>& created = group.answer->listings;
    const bool is_over = i < done && group.answer->outcome.result == WriteResult::kOk;
    records.push_back({.job_id = is_over ? "" : job.job_id,
                       .product = group.product,
                       .key = group.creation->idempotency_key,
                       .request = {},
                       .outcome = static_cast<int>(group.answer->outcome.result),
                       .item_id = created.empty() ? group.creation->item_id : created.front().item_id});
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
    if (!known.insert(listing->listing_id).second) continue;
    Listing& created = changes.created.emplace_back(*listing);
    if (created.price && created.price->currency.empty()) created.price->currency = merchant.currency;
  }
  if (!changes.created.empty()) {
    store::ApplyListingChanges(session, merchant, job.channel_number, changes, nullptr);
  }
  store::SaveOutcomes(session, job, records);
}

absl::Status Upload::Report(std::span<UploadGroup> asked) {
  // Those after the first that was not answered are reported once that is: the job goes on there.
  const auto end = std::find_if_not(asked.begin(), asked.end(), IsSettled);
  const std::span<UploadGroup> done(asked.begin(), end);
  std::vector<v1::JobItem> items;
  std::int64_t items_created = 0;
  for (UploadGroup& group : done) {
    items_created += group.items_created;
    if (group.creation) {
      TakeAnswer(group);
      items_created += group.creation->item_id.empty() && group.answer->invalid.ok() &&
                       group.answer->outcome.result == WriteResult::kOk;
    }
    std::move(group.report.begin(), group.report.end(), std::back_inserter(items));
  }
  return Save([&](store::Session& session, const store::Merchant& merchant, store::JobRecord& job) {
    if (firm_) Take(session, merchant, job, asked, done.size());
    NoteDone(session, job, done.size(), items, items_created);
  });
}

absl::Status Upload::ForgetUnsent(std::span<const UploadGroup> groups) {
  if (!firm_) return absl::OkStatus();
  std::vector<store::CreationRecord> unsent;
  for (const UploadGroup& group : groups) {
    if (!group.creation || group.sent) continue;
    unsent.push_back({.job_id = {},
                      .product = group.product,
                      .key = group.creation->idempotency_key,
                      .request = {},
                      .item_id = {}});
  }
  for (std::size_t first = 0; first < unsent.size(); first += kForgottenAtOnce) {
    const auto begin = unsent.begin() + static_cast<std::ptrdiff_t>(first);
    const std::size_t count = std::min(kForgottenAtOnce, unsent.size() - first);
    const std::vector<store::CreationRecord> some(begin, begin + static_cast<std::ptrdiff_t>(count));
    SKULINK_RETURN_IF_ERROR(Save([&](store::Session& session, const store::Merchant&, store::JobRecord& job) {
      store::ForgetCreations(session, job, some);
    }));
  }
  return absl::OkStatus();
}

}  // namespace skulink
