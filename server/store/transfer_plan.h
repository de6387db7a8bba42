#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "server/store/jobs.h"
#include "server/store/session.h"

// What a download or an upload is to do, as of its start: what it does itself changes the views, so it could
// not go on from them.
namespace skulink::store {

// Rows of one parent: listings of an item, or variants of a product.
struct TransferGroup {
  std::string parent;
  bool whole = false;      // all of the parent was asked for, not only these rows
  bool continues = false;  // more rows of the parent follow in the next part
  struct Row {
    std::string id;
    bool linked = false;  // of a listing: it was in the POS
  };
  std::vector<Row> rows;
};
// What is read at once, and a transaction's work at most.
using TransferPart = std::vector<TransferGroup>;

// Packs rows as they come, those of a parent together, into parts of at most `rows_of_part` rows.
class TransferPlan {
 public:
  explicit TransferPlan(std::size_t rows_of_part) : rows_of_part_(rows_of_part) {}

  void Add(std::string_view parent, bool whole, TransferGroup::Row row);
  // After the last row.
  void Finish();

  std::int64_t rows() const { return rows_; }
  const std::vector<std::string>& parts() const { return parts_; }

 private:
  void EndGroup();
  void Pack(const TransferGroup& group);
  void EndPart();

  const std::size_t rows_of_part_;
  TransferGroup group_;
  std::string part_;
  std::size_t rows_in_part_ = 0;
  std::int64_t rows_ = 0;
  std::vector<std::string> parts_;
};

// Within the transaction that says so in the job's row. The parts are kept until the job has ended.
void SavePlan(Session& session, const JobRecord& job, const TransferPlan& plan);
// Empty when there is no such part.
TransferPart ReadPart(Session& session, const JobRecord& job, std::int64_t number);

// Live listings of the channel that are Not In POS, in the order of items and listings.
void PlanNotInPos(Session& session, const JobRecord& job, TransferPlan& plan);
// These listings, and all that the channel has of these items.
void PlanListings(Session& session, const JobRecord& job, const std::vector<std::string>& listing_ids,
                  const std::vector<std::string>& item_ids, TransferPlan& plan);
// Variants that are Not In Channel of this one, in the order of products and variants.
void PlanNotInChannel(Session& session, const JobRecord& job, TransferPlan& plan);
// These variants (product and variant id), and all of these products; those of a product together.
struct VariantId {
  std::string product, variant;

  friend bool operator==(const VariantId&, const VariantId&) = default;
};
void PlanVariants(Session& session, const JobRecord& job, std::vector<VariantId> variants,
                  std::vector<std::string> product_ids, TransferPlan& plan);

// The first of these, by its place in the list, that the channel or the merchant does not have; -1: it has
// all of them.
int FindMissingListing(Session& session, std::int64_t merchant_number, int channel,
                       const std::vector<std::string>& listing_ids);
int FindMissingItem(Session& session, std::int64_t merchant_number, int channel,
                    const std::vector<std::string>& item_ids);
int FindMissingProduct(Session& session, std::int64_t merchant_number,
                       const std::vector<std::string>& product_ids);
int FindMissingVariant(Session& session, std::int64_t merchant_number,
                       const std::vector<VariantId>& variants);

}  // namespace skulink::store
