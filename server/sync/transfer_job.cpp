#include "server/sync/transfer_job.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/errors.h"
#include "server/store/listings.h"
#include "server/store/merchants.h"
#include "server/store/pushes.h"
#include "server/sync/download_piece.h"
#include "server/sync/scan_batch.h"

namespace skulink {
namespace {

// How far a job is: a part of the plan and a group in it.
struct Position {
  std::int64_t part = 0;
  std::size_t group = 0;
};

Position Parse(const std::string& text) {
  const std::pair<std::string, std::string> halves = absl::StrSplit(text, absl::MaxSplits('.', 1));
  Position position;
  std::uint64_t group = 0;
  if (absl::SimpleAtoi(halves.first, &position.part) && absl::SimpleAtoi(halves.second, &group)) {
    position.group = static_cast<std::size_t>(group);
  }
  return position;
}

std::string ToString(const Position& position) { return absl::StrCat(position.part, ".", position.group); }

}  // namespace

absl::Status TransferJob::RunPhases() {
  SKULINK_RETURN_IF_ERROR(Connect());
  std::string request;
  SKULINK_RETURN_IF_ERROR(WhileStoreIsAway([&] {
    absl::StatusOr<std::string> read = store::ReadJobRequest(database(), job());
    if (read.ok()) request = *std::move(read);
    return read.status();
  }));
  SKULINK_RETURN_IF_ERROR(Prepare(request));
  if (job().position.empty()) SKULINK_RETURN_IF_ERROR(Plan());
  while (true) {
    if (stopped()) return absl::CancelledError("stopped");
    const Position position = Parse(job().position);
    if (position.part != part_number_) SKULINK_RETURN_IF_ERROR(ReadParts(position.part));
    if (part_.empty()) break;
    SKULINK_RETURN_IF_ERROR(Do(Groups(part_).subspan(position.group), next_part_));
  }
  return Save([](store::Session&, const store::Merchant&, store::JobRecord& job) {
    job.job.set_state(v1::JOB_STATE_SUCCEEDED);
  });
}

absl::Status TransferJob::ReadParts(std::int64_t number) {
  const auto read = [this](std::int64_t one, store::TransferPart& part) {
    return WhileStoreIsAway([&] {
      return database().Read([&](store::Session& session) { part = store::ReadPart(session, job(), one); });
    });
  };
  if (part_number_ >= 0 && number == part_number_ + 1) {
    part_ = std::move(next_part_);
  } else {
    SKULINK_RETURN_IF_ERROR(read(number, part_));
  }
  part_number_ = number;
  next_part_.clear();
  return part_.empty() ? absl::OkStatus() : read(number + 1, next_part_);
}

absl::Status TransferJob::Plan() {
  std::optional<store::TransferPlan> plan;
  SKULINK_RETURN_IF_ERROR(WhileStoreIsAway([&] {
    return database().Read([&](store::Session& session) { plan.emplace(MakePlan(session)).Finish(); });
  }));
  return Save([&](store::Session& session, const store::Merchant&, store::JobRecord& job) {
    store::SavePlan(session, job, *plan);
    job.position = ToString(Position());
    job.job.mutable_transfer()->set_expected(plan->rows());
  });
}

absl::StatusOr<store::ListingChanges> TransferJob::FindChanges(const DownloadedItems& items) {
  store::ListingChanges changes;
  SKULINK_RETURN_IF_ERROR(WhileStoreIsAway([&] {
    return database().Read([&](store::Session& session) {
      changes = ChangesOf(session, merchant_number(), channel_number(), items);
    });
  }));
  return changes;
}

absl::StatusOr<StringSet> TransferJob::TakeChanges(store::ListingChanges changes) {
  StringSet changed;
  for (const auto* listings : {&changes.created, &changes.updated}) {
    for (const Listing& listing : *listings) changed.insert(listing.listing_id);
  }
  if (changed.empty() || job().job.validate_only()) return changed;
  std::size_t push_kinds = 0;
  SKULINK_RETURN_IF_ERROR(WhileStoreIsAway([&] {
    return database().Read([&](store::Session& session) {
      push_kinds = store::PushKinds(session, merchant_number(), channel_number());
    });
  }));
  for (const store::ListingChanges& part :
       PartsOf(std::move(changes), kRowsAtOnce / ScanBatch::RowsOfListing(push_kinds))) {
    SKULINK_RETURN_IF_ERROR(
        Save([&](store::Session& session, const store::Merchant& merchant, store::JobRecord& job) {
          store::ApplyListingChanges(session, merchant, job.channel_number, part, nullptr);
        }));
  }
  return changed;
}

void TransferJob::NoteDone(store::Session& session, store::JobRecord& job, std::size_t groups,
                           const std::vector<v1::JobItem>& items, std::int64_t parents_created) const {
  v1::TransferProgress& transfer = *job.job.mutable_transfer();
  std::int64_t created = 0, linked = 0, skipped = 0, failed = 0;
  for (const v1::JobItem& item : items) {
    created += item.outcome() == v1::JOB_ITEM_OUTCOME_CREATED;
    linked += item.outcome() == v1::JOB_ITEM_OUTCOME_LINKED;
    skipped += item.outcome() == v1::JOB_ITEM_OUTCOME_SKIPPED;
    failed += item.outcome() == v1::JOB_ITEM_OUTCOME_FAILED;
  }
  transfer.set_done(transfer.done() + std::ssize(items));
  transfer.set_created(transfer.created() + created);
  transfer.set_linked(transfer.linked() + linked);
  transfer.set_skipped(transfer.skipped() + skipped);
  transfer.set_failed(transfer.failed() + failed);
  transfer.set_parents_created(transfer.parents_created() + parents_created);
  Position position = Parse(job.position);
  position.group += groups;
  if (position.group == part_.size()) position = {.part = position.part + 1, .group = 0};
  job.position = ToString(position);
  store::SaveJobItems(session, job, items);
}

v1::JobItem MakeJobItem(v1::JobItemOutcome outcome, v1::ErrorReason reason, std::string_view description,
                        std::string_view field) {
  v1::JobItem item;
  item.set_outcome(outcome);
  item.set_reason(reason);
  item.set_description(std::string(description));
  item.set_field(std::string(field));
  return item;
}

v1::JobItem MakeJobItem(const absl::Status& invalid_field) {
  return MakeJobItem(v1::JOB_ITEM_OUTCOME_FAILED, ReasonOf(invalid_field),
                     std::string(invalid_field.message()), FieldOf(invalid_field));
}

}  // namespace skulink
