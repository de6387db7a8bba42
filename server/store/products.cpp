#include "server/store/products.h"

#include <algorithm>
#include <iterator>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/names.h"
#include "common/product_rules.h"
#include "common/string_map.h"
#include "server/store/catalog_edit.h"
#include "server/store/merchants.h"

namespace skulink::store {
namespace {

// Of a transaction: variants at most, and rows, which are variants, their products, and a listing of each on
// every channel with the pushes that it is sent.
constexpr std::int64_t kVariantsAtOnce = 2500, kRowsAtOnce = 9000;

std::string NameOf(std::string_view merchant_id, std::string_view product_id) {
  return ToString(ProductName{std::string(merchant_id), std::string(product_id)});
}

std::vector<std::string_view> SkusOf(const std::vector<Variant>& variants) {
  std::vector<std::string_view> skus;
  for (const Variant& variant : variants) skus.push_back(variant.sku);
  return skus;
}

Product Read(Session& session, std::string_view merchant_id, std::string_view product_id) {
  std::vector<Product> found =
      SelectProducts(session, "m.merchant_id = ? AND p.product_id = ?", {merchant_id, product_id});
  if (found.empty()) throw Refused(NotFound(NameOf(merchant_id, product_id)));
  return std::move(found.front());
}

// Refused when a variant would get a stock below zero that it does not have.
void CheckStocks(const CatalogEdit::EditedProduct& product, const std::vector<Variant>& variants) {
  for (std::size_t i = 0; i < variants.size(); ++i) {
    const Variant& variant = variants[i];
    if (variant.stock.value_or(0) >= 0) continue;
    const auto before = std::find_if(product.variants.begin(), product.variants.end(),
                                     [&](const auto& edited) { return edited.now.id == variant.id; });
    if (before != product.variants.end() && before->now.stock == variant.stock) continue;
    throw Refused(
        InvalidField(absl::StrCat("product.variants[", i, "].stock"), v1::ERROR_REASON_VALUE_OUT_OF_RANGE,
                     "must be 0 or more, or what it is: AdjustStock alone takes a stock below zero"));
  }
}

// All variants, or Refused naming the one whose SKU is taken.
void PutAll(CatalogEdit& edit, CatalogEdit::EditedProduct& product, const std::vector<Variant>& variants) {
  for (std::size_t i = 0; i < variants.size(); ++i) {
    VariantName taken_by;
    if (edit.Put(product, variants[i], taken_by) != CatalogEdit::PutResult::kSkuTaken) continue;
    const std::string field = absl::StrCat("product.variants[", i, "].sku");
    throw Refused(FieldError(absl::StatusCode::kAlreadyExists, field, v1::ERROR_REASON_SKU_TAKEN,
                             absl::StrCat("is the SKU of ", ToString(taken_by)),
                             {{"variant", ToString(taken_by)}}));
  }
}

CatalogEdit::EditedProduct& Require(CatalogEdit& edit, const Merchant& merchant, std::string_view product_id,
                                    std::optional<std::int64_t> version) {
  CatalogEdit::EditedProduct* product = edit.Find(product_id);
  if (product == nullptr) throw Refused(NotFound(NameOf(merchant.id, product_id)));
  if (version && *version != product->now.version)
    throw Refused(EtagMismatch(NameOf(merchant.id, product_id)));
  return *product;
}

// Imports rows in their order, within one transaction.
class Import {
 public:
  Import(const Merchant& merchant, CatalogEdit& edit, ImportOutcome& outcome)
      : merchant_(merchant), edit_(edit), outcome_(outcome) {}

  void Take(const ImportRow& row) {
    CatalogEdit::EditedProduct* product = edit_.Find(row.product.id);
    const bool is_new = product == nullptr;
    if (is_new) product = &edit_.Create(row.product.id, row.product.name);
    bool changed = !is_new && product->now.name != row.product.name;
    if (changed) edit_.Rename(*product, row.product.name);
    if (!row.product.image_uris.empty() && product->now.image_uris != row.product.image_uris) {
      edit_.SetImages(*product, row.product.image_uris);
      changed = true;
    }
    const std::vector<Variant> variants = WithKeptFields(row, *product);
    if (!is_new) edit_.GiveUpSkus(*product, variants);
    std::int64_t refused = 0;
    for (std::size_t i = 0; i < variants.size(); ++i) {
      const std::optional<CatalogEdit::PutResult> result = TakeVariant(row, i, variants[i], *product);
      if (!result) {
        ++refused;
        continue;
      }
      switch (*result) {
        case CatalogEdit::PutResult::kCreated:
          outcome_.counts.set_variants_created(outcome_.counts.variants_created() + 1);
          changed = true;
          break;
        case CatalogEdit::PutResult::kChanged:
          outcome_.counts.set_variants_updated(outcome_.counts.variants_updated() + 1);
          changed = true;
          break;
        case CatalogEdit::PutResult::kUnchanged:
          outcome_.counts.set_variants_unchanged(outcome_.counts.variants_unchanged() + 1);
          break;
        case CatalogEdit::PutResult::kSkuTaken:
          break;
      }
    }
    if (is_new && refused == static_cast<std::int64_t>(variants.size())) {
      edit_.Forget(*product);  // none of its variants was good: it is not made
    } else if (is_new) {
      outcome_.counts.set_products_created(outcome_.counts.products_created() + 1);
    } else if (changed) {
      outcome_.counts.set_products_updated(outcome_.counts.products_updated() + 1);
    } else {
      outcome_.counts.set_products_unchanged(outcome_.counts.products_unchanged() + 1);
    }
  }

 private:
  // The row's variants, with what is known of the fields that it leaves as they are.
  static std::vector<Variant> WithKeptFields(const ImportRow& row, CatalogEdit::EditedProduct& product) {
    std::vector<Variant> variants = row.product.variants;
    for (std::size_t i = 0; i < row.kept_fields.size(); ++i) {
      const KeptFields& kept = row.kept_fields[i];
      const CatalogEdit::EditedVariant* const known = CatalogEdit::Find(product, variants[i].id);
      const Variant before = known == nullptr ? Variant() : known->now;
      if (kept.sku) variants[i].sku = before.sku;
      if (kept.barcode) variants[i].barcode = before.barcode;
      if (kept.price) variants[i].price = before.price;
      if (kept.stock) variants[i].stock = before.stock;
      if (kept.option) variants[i].option = before.option;
    }
    return variants;
  }

  // Nullopt when it is refused.
  std::optional<CatalogEdit::PutResult> TakeVariant(const ImportRow& row, std::size_t index,
                                                    const Variant& variant,
                                                    CatalogEdit::EditedProduct& product) {
    const std::int64_t line = row.variant_lines.empty() ? row.line : row.variant_lines[index];
    const int position = row.variant_indexes.empty() ? static_cast<int>(index) : row.variant_indexes[index];
    const std::string field = absl::StrCat("variants[", position, "]");
    const auto refuse = [&](const std::string& name, v1::ErrorReason reason, std::string description) {
      v1::RefusedRow& refused = outcome_.refused.emplace_back();
      refused.set_line(line);
      refused.set_field(name);
      refused.set_reason(reason);
      refused.set_description(std::move(description));
      refused.set_product_id(row.product.id);
      refused.set_variant_id(variant.id);
    };
    if (std::ssize(product.variants) >= kMaxVariants && CatalogEdit::Find(product, variant.id) == nullptr) {
      refuse(field, v1::ERROR_REASON_VALUE_OUT_OF_RANGE,
             absl::StrCat("is one more than the ", kMaxVariants, " variants that a product can have"));
      return std::nullopt;
    }
    VariantName taken_by;
    const CatalogEdit::PutResult result = edit_.Put(product, variant, taken_by);
    if (result != CatalogEdit::PutResult::kSkuTaken) {
      lines_[ToString(VariantName{merchant_.id, row.product.id, variant.id})] = line;
      return result;
    }
    const std::string owner = ToString(taken_by);
    const auto in_import = lines_.find(owner);
    refuse(field + ".sku", v1::ERROR_REASON_SKU_TAKEN,
           absl::StrCat("is the SKU of ", owner,
                        in_import == lines_.end() ? "" : absl::StrCat(" (line ", in_import->second, ")")));
    return std::nullopt;
  }

  const Merchant& merchant_;
  CatalogEdit& edit_;
  ImportOutcome& outcome_;
  StringMap<std::int64_t> lines_;  // by variant name: where this transaction met it
};

void Add(v1::ImportCounts& sum, const v1::ImportCounts& part) {
  sum.set_products_created(sum.products_created() + part.products_created());
  sum.set_products_updated(sum.products_updated() + part.products_updated());
  sum.set_products_unchanged(sum.products_unchanged() + part.products_unchanged());
  sum.set_variants_created(sum.variants_created() + part.variants_created());
  sum.set_variants_updated(sum.variants_updated() + part.variants_updated());
  sum.set_variants_unchanged(sum.variants_unchanged() + part.variants_unchanged());
}

std::int64_t VariantsAtOnce(Session& session, std::string_view merchant_id) {
  const std::int64_t of_key = RowsOfKey(session, RequireMerchant(session, merchant_id).number);
  return std::min(kVariantsAtOnce, kRowsAtOnce / (2 + of_key));
}

ImportOutcome ImportSome(Session& session, std::string_view merchant_id, std::span<const ImportRow> rows) {
  const Merchant merchant = LockMerchant(session, merchant_id);
  StringSet ids;
  std::vector<std::string_view> skus;
  for (const ImportRow& row : rows) {
    ids.insert(row.product.id);
    for (const Variant& variant : row.product.variants) skus.push_back(variant.sku);
  }
  CatalogEdit edit(session, merchant);
  edit.Load({ids.begin(), ids.end()}, skus);
  ImportOutcome outcome;
  Import import(merchant, edit, outcome);
  for (const ImportRow& row : rows) import.Take(row);
  edit.Write();
  return outcome;
}

}  // namespace

absl::StatusOr<Product> CreateProduct(Database& database, std::string_view merchant_id,
                                      const Product& product) {
  return database.Transact([&](Session& session) {
    const Merchant merchant = LockMerchant(session, merchant_id);
    CatalogEdit edit(session, merchant);
    edit.Load({product.id}, SkusOf(product.variants));
    if (edit.Find(product.id) != nullptr) throw Refused(AlreadyExists(NameOf(merchant_id, product.id)));
    CatalogEdit::EditedProduct& created = edit.Create(product.id, product.name);
    edit.SetImages(created, product.image_uris);
    PutAll(edit, created, product.variants);
    edit.Write();
    return Read(session, merchant_id, product.id);
  });
}

absl::StatusOr<Product> GetProduct(Database& database, std::string_view merchant_id,
                                   std::string_view product_id) {
  return database.ReadSnapshot([&](Session& session) { return Read(session, merchant_id, product_id); });
}

absl::StatusOr<std::vector<Product>> ListProducts(Database& database, std::string_view merchant_id,
                                                  std::int64_t after_number, int limit) {
  return database.ReadSnapshot([&](Session& session) {
    std::vector<Product> products =
        SelectProducts(session, "m.merchant_id = ? AND p.product_no > ? ORDER BY p.product_no LIMIT ?",
                       {merchant_id, after_number, limit});
    if (products.empty()) RequireMerchant(session, merchant_id);
    return products;
  });
}

absl::StatusOr<Product> UpdateProduct(Database& database, std::string_view merchant_id,
                                      std::string_view product_id, const ProductChange& change) {
  return database.Transact([&](Session& session) {
    const Merchant merchant = LockMerchant(session, merchant_id);
    CatalogEdit edit(session, merchant);
    edit.Load({std::string(product_id)},
              change.variants ? SkusOf(*change.variants) : std::vector<std::string_view>());
    CatalogEdit::EditedProduct& product = Require(edit, merchant, product_id, change.version);
    if (change.name) edit.Rename(product, *change.name);
    if (change.image_uris) edit.SetImages(product, *change.image_uris);
    if (change.variants) {
      CheckStocks(product, *change.variants);
      absl::flat_hash_set<std::string_view> kept;
      for (const Variant& variant : *change.variants) kept.insert(variant.id);
      for (CatalogEdit::EditedVariant& variant : product.variants) {
        if (!kept.contains(variant.now.id)) edit.Remove(product, variant);
      }
      edit.GiveUpSkus(product, *change.variants);
      PutAll(edit, product, *change.variants);
    }
    edit.Write();
    return Read(session, merchant_id, product_id);
  });
}

absl::Status DeleteProduct(Database& database, std::string_view merchant_id, std::string_view product_id,
                           std::optional<std::int64_t> version) {
  return database.Transact([&](Session& session) {
    const Merchant merchant = LockMerchant(session, merchant_id);
    CatalogEdit edit(session, merchant);
    edit.Load({std::string(product_id)}, {});
    edit.Remove(Require(edit, merchant, product_id, version));
    edit.Write();
  });
}

absl::StatusOr<ImportOutcome> ImportProducts(Database& database, std::string_view merchant_id,
                                             const std::vector<ImportRow>& rows) {
  SKULINK_ASSIGN_OR_RETURN(const std::int64_t at_once, database.Read([&](Session& session) {
    return VariantsAtOnce(session, merchant_id);
  }));
  ImportOutcome all;
  std::span<const ImportRow> left(rows);
  do {
    std::size_t count = 0;
    std::int64_t variants = 0;
    while (count < left.size() &&
           (count == 0 || variants + std::ssize(left[count].product.variants) <= at_once)) {
      variants += std::ssize(left[count++].product.variants);
    }
    const std::span<const ImportRow> some = left.first(count);
    SKULINK_ASSIGN_OR_RETURN(ImportOutcome outcome, database.Transact([&](Session& session) {
      return ImportSome(session, merchant_id, some);
    }));
    std::move(outcome.refused.begin(), outcome.refused.end(), std::back_inserter(all.refused));
    Add(all.counts, outcome.counts);
    left = left.subspan(count);
  } while (!left.empty());
  return all;
}

}  // namespace skulink::store
