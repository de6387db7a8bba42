#include "server/store/stock.h"

#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/errors.h"
#include "common/names.h"
#include "common/product_rules.h"
#include "server/store/merchants.h"
#include "server/store/pushes.h"
#include "server/store/times.h"

namespace skulink::store {
namespace {

constexpr absl::Duration kRemembered = absl::Hours(24);
// Answers that are too old, removed whenever one is written.
constexpr int kForgottenAtOnce = 20;

std::string FieldOf(const StockRequest& request, std::size_t index) {
  return absl::StrCat(request.kind == StockRequest::Kind::kSet ? "settings[" : "adjustments[", index, "]");
}

// Requests that were answered, for those who call again.
class Answered {
 public:
  Answered(Session& session, const Merchant& merchant, const StockRequest& request)
      : session_(session), merchant_(merchant), request_(request) {
    const std::string content =
        absl::StrCat(request.kind == StockRequest::Kind::kSet ? "set " : "adjust ", request.request);
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(content.data(), content.size()));
    hash_.assign(reinterpret_cast<const char*>(canonical.digest), sizeof canonical.digest);
  }

  std::optional<v1::SetStockResponse> Find() {
    std::optional<v1::SetStockResponse> response;
    if (request_.request_id.empty()) return response;
    bool same = false;
    session_.Query(absl::StrCat("SELECT request, response FROM answered_request WHERE merchant_no = ? AND "
                                "request_id = ? AND create_time > ",
                                kDatabaseNow, " - ?"),
                   {merchant_.number, request_.request_id, absl::ToInt64Microseconds(kRemembered)},
                   [&](const Row& row) {
                     same = row.Text(0) == hash_;
                     const std::string_view bytes = row.Text(1);
                     response.emplace().ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
                   });
    if (response && !same) {
      throw Refused(
          InvalidField("request_id", v1::ERROR_REASON_REQUEST_ID_REUSED, "was used for another request"));
    }
    return response;
  }

  void Save(const v1::SetStockResponse& response) {
    if (request_.request_id.empty()) return;
    ForgetOld();
    const std::string bytes = response.SerializeAsString();
    // One that is too old may still be there.
    session_.Execute(
        absl::StrCat("INSERT INTO answered_request (merchant_no, request_id, request, response, create_time) "
                     "VALUES (?, ?, ?, ?, ",
                     kDatabaseNow,
                     ") ON DUPLICATE KEY UPDATE request = VALUES(request), response = VALUES(response), "
                     "create_time = VALUES(create_time)"),
        {merchant_.number, request_.request_id, Blob{hash_}, Blob{bytes}});
  }

 private:
  void ForgetOld() {
    std::vector<std::string> old;
    // Not by one DELETE: it would read all answers of the merchant.
    session_.Query(
        absl::StrCat("SELECT request_id FROM answered_request FORCE INDEX (by_age) WHERE merchant_no = ? "
                     "AND create_time <= ",
                     kDatabaseNow, " - ? ORDER BY create_time LIMIT ?"),
        {merchant_.number, absl::ToInt64Microseconds(kRemembered), kForgottenAtOnce},
        [&](const Row& row) { old.push_back(row.String(0)); });
    if (old.empty()) return;
    session_.Execute(
        "DELETE a FROM answered_request a FORCE INDEX (PRIMARY) WHERE a.merchant_no = ? AND a.request_id IN "
        "(?)",
        {merchant_.number, old});
  }

  Session& session_;
  const Merchant& merchant_;
  const StockRequest& request_;
  std::string hash_;
};

std::string NameOf(const Merchant& merchant, const ChosenVariant& variant) {
  return ToString(VariantName{merchant.id, variant.product_id, variant.variant_id});
}

void Adjust(const Merchant& merchant, const StockChange& change, const std::string& field,
            ChosenVariant& variant) {
  const std::string name = NameOf(merchant, variant);
  const ErrorMetadata metadata = {{"field", field + ".delta"}, {"variant", name}};
  if (!variant.stock) {
    throw Refused(Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_STOCK_UNKNOWN,
                        absl::StrCat(field, ": the stock of ", name, " is not known: set it first"),
                        metadata));
  }
  const std::int64_t after = *variant.stock + change.quantity;  // both are far from the ends of the type
  if (after < 0 && change.quantity < 0 && !merchant.allow_negative_stock) {
    throw Refused(Error(
        absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_STOCK_BELOW_ZERO,
        absl::StrCat(field, ": the stock of ", name, " is ", *variant.stock, " and would fall below zero"),
        metadata));
  }
  if (after < -kMaxStock || after > kMaxStock) {
    throw Refused(InvalidField(field + ".delta", v1::ERROR_REASON_VALUE_OUT_OF_RANGE,
                               absl::StrCat("would make the stock of ", name, " ", after, "; it must be ",
                                            -kMaxStock, " to ", kMaxStock)));
  }
  variant.stock = after;
}

void WriteStocks(Session& session, const Merchant& merchant,
                 const std::vector<const ChosenVariant*>& changed) {
  if (changed.empty()) return;
  ValueRows rows;
  absl::flat_hash_set<std::int64_t> distinct;
  for (const ChosenVariant* variant : changed) {
    rows.push_back({merchant.number, variant->product, variant->number, "", "", "", "", variant->stock});
    distinct.insert(variant->product);
  }
  // All of them are there, so nothing but stock is written.
  session.Execute(
      "INSERT INTO variant (merchant_no, product_no, variant_no, variant_id, sku, barcode, option_text, "
      "stock) "
      "VALUES ? ON DUPLICATE KEY UPDATE stock = VALUES(stock)",
      {rows});
  const std::vector<std::int64_t> products(distinct.begin(), distinct.end());
  // Whoever read a product before must not write its old stock back.
  session.Execute(
      "UPDATE product FORCE INDEX (PRIMARY) SET version = version + 1, update_time = ? WHERE merchant_no = ? "
      "AND product_no IN (?)",
      {Now(), merchant.number, products});
  PushPlanner planner(session, merchant.number);
  if (planner.idle()) return;
  for (const ChosenVariant* variant : changed) {
    if (!variant->sku_key.empty()) planner.StockTouched(variant->sku_key);
  }
  planner.Settle();
}

}  // namespace

std::string OfferedStock(const StockSync& rule) {
  // Up to 10^12 units and 1,000 percent, so nothing overflows; Seller Centers take up to 10^12.
  return absl::StrCat("GREATEST(0, LEAST(", rule.maximum.value_or(kMaxStock), ", v.stock * ", rule.percentage,
                      " DIV 100 - ", rule.buffer, "))");
}

absl::StatusOr<v1::SetStockResponse> ChangeStock(Database& database, std::string_view merchant_id,
                                                 const StockRequest& request) {
  std::vector<VariantChoice> choices;
  for (const StockChange& change : request.changes) choices.push_back(change.variant);
  return database.Transact([&](Session& session) {
    const Merchant merchant = LockMerchant(session, merchant_id);
    Answered answered(session, merchant, request);
    if (std::optional<v1::SetStockResponse> before = answered.Find()) return *std::move(before);
    ChosenVariants chosen = FindVariants(session, merchant, choices);
    std::vector<std::optional<std::int64_t>> stocks_before;
    for (const ChosenVariant& variant : chosen.variants) stocks_before.push_back(variant.stock);
    std::vector<bool> met(chosen.variants.size());
    for (std::size_t i = 0; i < choices.size(); ++i) {
      const std::string field = FieldOf(request, i);
      if (!chosen.choices[i]) throw Refused(NoSuchVariant(merchant, choices[i], field + ".variant"));
      ChosenVariant& variant = chosen.variants[*chosen.choices[i]];
      if (request.kind == StockRequest::Kind::kAdjust) {
        Adjust(merchant, request.changes[i], field, variant);
      } else if (met[*chosen.choices[i]]) {
        throw Refused(InvalidField(field + ".variant", v1::ERROR_REASON_FORMAT_INVALID,
                                   absl::StrCat("is ", NameOf(merchant, variant), ", as one before is")));
      } else {
        variant.stock = request.changes[i].quantity;
      }
      met[*chosen.choices[i]] = true;
    }
    std::vector<const ChosenVariant*> changed;
    for (std::size_t i = 0; i < chosen.variants.size(); ++i) {
      if (chosen.variants[i].stock != stocks_before[i]) changed.push_back(&chosen.variants[i]);
    }
    WriteStocks(session, merchant, changed);
    v1::SetStockResponse response;
    for (const std::optional<std::size_t>& choice : chosen.choices) {
      const ChosenVariant& variant = chosen.variants[*choice];
      v1::VariantStock& stock = *response.add_stocks();
      stock.set_variant(NameOf(merchant, variant));
      stock.set_sku(variant.sku);
      stock.set_stock(*variant.stock);
    }
    answered.Save(response);
    return response;
  });
}

}  // namespace skulink::store
