#include "server/store/variant_choice.h"

#include <algorithm>
#include <map>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/names.h"
#include "common/string_map.h"

namespace skulink::store {
namespace {

constexpr std::size_t kAtOnce = 500;
constexpr char kColumns[] =
    "SELECT v.product_no, v.variant_no, p.product_id, v.variant_id, v.sku, v.sku_key, v.stock ";

class Search {
 public:
  Search(Session& session, const Merchant& merchant, std::span<const VariantChoice> choices,
         ChosenVariants& found)
      : session_(session), merchant_(merchant), found_(found) {
    for (const VariantChoice& choice : choices) {
      if (choice.sku) {
        sku_keys_.push_back(SkuKey(*choice.sku, merchant.sku_case));
      } else {
        product_ids_.push_back(choice.product_id);
        variant_ids_.push_back(choice.variant_id);
      }
    }
    for (std::size_t i = 0; i < found.variants.size(); ++i) Remember(i);
    ReadBySku();
    ReadByName();
    for (const VariantChoice& choice : choices) found.choices.push_back(Find(choice));
  }

 private:
  using Name = std::pair<std::string, std::string>;

  void ReadBySku() {
    if (sku_keys_.empty()) return;
    session_.Query(
        absl::StrCat(kColumns,
                     "FROM variant v FORCE INDEX (by_sku) STRAIGHT_JOIN product p ON p.merchant_no = "
                     "v.merchant_no AND p.product_no = v.product_no WHERE v.merchant_no = ? AND "
                     "v.sku_key IN (?)"),
        {merchant_.number, sku_keys_}, [&](const Row& row) { Take(row); });
  }

  void ReadByName() {
    if (product_ids_.empty()) return;
    session_.Query(absl::StrCat(kColumns,
                                "FROM product p FORCE INDEX (by_id) STRAIGHT_JOIN variant v FORCE INDEX "
                                "(PRIMARY) ON v.merchant_no = p.merchant_no AND v.product_no = p.product_no "
                                "WHERE p.merchant_no = ? AND p.product_id IN (?) AND v.variant_id IN (?)"),
                   {merchant_.number, product_ids_, variant_ids_}, [&](const Row& row) { Take(row); });
  }

  void Take(const Row& row) {
    if (by_name_.contains({row.String(2), row.String(3)})) return;
    found_.variants.push_back({.product = row.Int(0),
                               .number = row.Int(1),
                               .product_id = row.String(2),
                               .variant_id = row.String(3),
                               .sku = row.String(4),
                               .sku_key = row.String(5),
                               .stock = row.OptionalInt(6)});
    Remember(found_.variants.size() - 1);
  }

  void Remember(std::size_t i) {
    const ChosenVariant& variant = found_.variants[i];
    by_name_[{variant.product_id, variant.variant_id}] = i;
    if (!variant.sku_key.empty()) by_key_[variant.sku_key] = i;
  }

  std::optional<std::size_t> Find(const VariantChoice& choice) const {
    if (choice.sku) {
      const auto found = by_key_.find(SkuKey(*choice.sku, merchant_.sku_case));
      return found == by_key_.end() ? std::nullopt : std::optional(found->second);
    }
    const auto found = by_name_.find({choice.product_id, choice.variant_id});
    return found == by_name_.end() ? std::nullopt : std::optional(found->second);
  }

  Session& session_;
  const Merchant& merchant_;
  ChosenVariants& found_;
  std::vector<std::string> sku_keys_, product_ids_, variant_ids_;
  StringMap<std::size_t> by_key_;
  std::map<Name, std::size_t> by_name_;
};

}  // namespace

ChosenVariants FindVariants(Session& session, const Merchant& merchant,
                            const std::vector<VariantChoice>& choices) {
  ChosenVariants found;
  for (std::span<const VariantChoice> left(choices); !left.empty();) {
    const std::span<const VariantChoice> some = left.first(std::min(kAtOnce, left.size()));
    Search(session, merchant, some, found);
    left = left.subspan(some.size());
  }
  return found;
}

absl::Status NoSuchVariant(const Merchant& merchant, const VariantChoice& choice, const std::string& field) {
  const std::string what =
      choice.sku ? absl::StrCat("variant with SKU ", *choice.sku, " of ", ToString(MerchantName{merchant.id}))
                 : ToString(VariantName{merchant.id, choice.product_id, choice.variant_id});
  return Error(absl::StatusCode::kNotFound, v1::ERROR_REASON_NOT_FOUND,
               absl::StrCat(field, ": ", what, " does not exist"), {{"resource", what}, {"field", field}});
}

}  // namespace skulink::store
