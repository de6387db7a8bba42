#include "server/service/product_import.h"

#include <xxhash.h>

#include <algorithm>
#include <limits>
#include <unordered_set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/names.h"
#include "common/text.h"
#include "server/service/product_fields.h"
#include "server/service/request_fields.h"
#include "server/store/merchants.h"

namespace skulink {
namespace {

constexpr int kMaxVariantsOfMessage = 5000;
// Of an id that is refused for its length, for instance.
constexpr std::size_t kIdLengthInReport = 128;

std::string ForReport(const std::string& id) { return std::string(FirstCodePoints(id, kIdLengthInReport)); }

// Products whose names are remembered: 35 MB at most for a stream.
constexpr std::size_t kRememberedNames = 1'000'000;

std::uint64_t Hash(const std::string& text) { return XXH3_64bits(text.data(), text.size()); }

// `variant` is -1 when the whole row is refused.
void Refuse(const v1::ImportRow& row, int variant, const absl::Status& why,
            v1::ImportProductsResponse& response) {
  v1::RefusedRow& refused = *response.add_refused_rows();
  refused.set_line(row.line());
  refused.set_field(FieldOf(why));
  refused.set_reason(ReasonOf(why));
  refused.set_description(DescriptionOf(why));
  refused.set_product_id(ForReport(row.product().product_id()));
  if (variant < 0) return;
  if (row.variant_lines_size() > variant) refused.set_line(row.variant_lines(variant));
  refused.set_variant_id(ForReport(row.product().variants(variant).variant_id()));
}

absl::Status CheckRow(const v1::ImportRow& row) {
  const v1::Product& product = row.product();
  SKULINK_RETURN_IF_ERROR(CheckForeignId(product.product_id(), "product_id"));
  SKULINK_RETURN_IF_ERROR(CheckTextField(product.display_name(), "display_name", kProductNameRule));
  if (product.variants().empty() || product.variants_size() > kMaxVariants) {
    return InvalidField("variants", v1::ERROR_REASON_VALUE_OUT_OF_RANGE,
                        absl::StrCat("must be 1 to ", kMaxVariants, " variants"));
  }
  if (row.variant_lines_size() != 0 && row.variant_lines_size() != product.variants_size()) {
    return InvalidField("variant_lines", v1::ERROR_REASON_VALUE_OUT_OF_RANGE,
                        "must be empty or one for each variant");
  }
  if (row.kept_fields_size() > 1 && row.kept_fields_size() != product.variants_size()) {
    return InvalidField("kept_fields", v1::ERROR_REASON_VALUE_OUT_OF_RANGE,
                        "must be empty, one, or one for each variant");
  }
  return absl::OkStatus();
}

absl::StatusOr<store::KeptFields> DecodeKeptFields(const google::protobuf::FieldMask& mask) {
  store::KeptFields kept;
  for (const std::string& path : mask.paths()) {
    bool* const field = path == "sku"       ? &kept.sku
                        : path == "barcode" ? &kept.barcode
                        : path == "price"   ? &kept.price
                        : path == "stock"   ? &kept.stock
                        : path == "option"  ? &kept.option
                                            : nullptr;
    if (field == nullptr) {
      return InvalidField("kept_fields", v1::ERROR_REASON_FORMAT_INVALID,
                          "must name some of sku, barcode, price, stock, option");
    }
    *field = true;
  }
  return kept;
}

void Add(const v1::ImportCounts& counts, v1::ImportCounts& totals) {
  totals.set_products_created(totals.products_created() + counts.products_created());
  totals.set_products_updated(totals.products_updated() + counts.products_updated());
  totals.set_products_unchanged(totals.products_unchanged() + counts.products_unchanged());
  totals.set_variants_created(totals.variants_created() + counts.variants_created());
  totals.set_variants_updated(totals.variants_updated() + counts.variants_updated());
  totals.set_variants_unchanged(totals.variants_unchanged() + counts.variants_unchanged());
}

}  // namespace

absl::StatusOr<v1::ImportProductsResponse> ProductImport::Take(const v1::ImportProductsRequest& request,
                                                               CallContext& call) {
  SKULINK_RETURN_IF_ERROR(ReadParent(request));
  int variants = 0;
  for (const v1::ImportRow& row : request.rows()) variants += row.product().variants_size();
  if (variants > kMaxVariantsOfMessage) {
    return InvalidField("rows", v1::ERROR_REASON_VALUE_OUT_OF_RANGE,
                        absl::StrCat("must be at most ", kMaxVariantsOfMessage, " variants"));
  }
  SKULINK_ASSIGN_OR_RETURN(const store::Merchant merchant, store::GetMerchant(call.database, merchant_id_));

  v1::ImportProductsResponse response;
  std::vector<store::ImportRow> rows;
  rows.reserve(static_cast<std::size_t>(request.rows_size()));
  for (const v1::ImportRow& row : request.rows()) Decode(row, merchant.currency, response, rows);
  SKULINK_ASSIGN_OR_RETURN(store::ImportOutcome outcome,
                           store::ImportProducts(call.database, merchant_id_, rows));
  call.engine.WakePushes();
  for (v1::RefusedRow& refused : outcome.refused) *response.add_refused_rows() = std::move(refused);

  const auto by_line = [](const v1::RefusedRow& a, const v1::RefusedRow& b) { return a.line() < b.line(); };
  std::stable_sort(response.mutable_refused_rows()->begin(), response.mutable_refused_rows()->end(), by_line);

  Add(outcome.counts, totals_);
  totals_.set_rows(totals_.rows() + request.rows_size());
  totals_.set_refused(totals_.refused() + response.refused_rows_size());
  *response.mutable_counts() = totals_;
  return response;
}

absl::Status ProductImport::ReadParent(const v1::ImportProductsRequest& request) {
  if (merchant_id_.empty()) {
    SKULINK_ASSIGN_OR_RETURN(MerchantName parent, ParseMerchantName(request.parent(), "parent"));
    merchant_id_ = std::move(parent.merchant);
  } else if (!request.parent().empty()) {
    return InvalidField("parent", v1::ERROR_REASON_FORMAT_INVALID, "must be empty but in the first message");
  }
  return absl::OkStatus();
}

void ProductImport::Decode(const v1::ImportRow& row, const std::string& currency,
                           v1::ImportProductsResponse& response, std::vector<store::ImportRow>& rows) {
  absl::Status sound = CheckRow(row);
  if (sound.ok()) sound = CheckSameName(row);
  std::vector<store::KeptFields> kept_fields;
  for (const google::protobuf::FieldMask& mask : row.kept_fields()) {
    const absl::StatusOr<store::KeptFields> kept = DecodeKeptFields(mask);
    if (kept.ok()) kept_fields.push_back(*kept);
    sound.Update(kept.status());
  }
  if (!sound.ok()) return Refuse(row, -1, sound, response);
  absl::StatusOr<std::vector<std::string>> images = DecodeImages(row.product().image_uris(), "image_uris");
  if (!images.ok()) return Refuse(row, -1, images.status(), response);
  store::ImportRow& decoded = rows.emplace_back();
  decoded.line = row.line();
  decoded.product.id = row.product().product_id();
  decoded.product.name = row.product().display_name();
  decoded.product.image_uris = *std::move(images);
  std::unordered_set<std::string> ids;
  for (int i = 0; i < row.product().variants_size(); ++i) {
    const std::string field = absl::StrCat("variants[", i, "]");
    auto variant = DecodeVariant(row.product().variants(i), field, currency);
    absl::Status valid = variant.status();
    if (valid.ok()) valid = CheckGiven(!variant->id.empty(), field + ".variant_id");
    if (valid.ok() && !ids.insert(variant->id).second) {
      valid = InvalidField(field + ".variant_id", v1::ERROR_REASON_ALREADY_EXISTS,
                           "is that of another variant of the row");
    }
    if (!valid.ok()) {
      Refuse(row, i, valid, response);
      continue;
    }
    decoded.product.variants.push_back(*std::move(variant));
    decoded.variant_indexes.push_back(i);
    if (!kept_fields.empty()) decoded.kept_fields.push_back(kept_fields[kept_fields.size() == 1 ? 0 : i]);
    if (row.variant_lines_size() > 0) decoded.variant_lines.push_back(row.variant_lines(i));
  }
}

absl::Status ProductImport::CheckSameName(const v1::ImportRow& row) {
  const Met now = {static_cast<std::uint32_t>(Hash(row.product().display_name())),
                   static_cast<std::uint32_t>(
                       std::clamp<std::int64_t>(row.line(), 0, std::numeric_limits<std::uint32_t>::max()))};
  const std::uint64_t id = Hash(row.product().product_id());
  const auto before = met_.find(id);
  if (before == met_.end()) {
    if (met_.size() < kRememberedNames) met_.emplace(id, now);
    return absl::OkStatus();
  }
  if (before->second.name_hash == now.name_hash) return absl::OkStatus();
  return InvalidField("display_name", v1::ERROR_REASON_ALREADY_EXISTS,
                      absl::StrCat("is another one than the product has in line ", before->second.line));
}

}  // namespace skulink
