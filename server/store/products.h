#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/money.h"
#include "server/store/database.h"
#include "skulink/v1/catalog_service.pb.h"

namespace skulink::store {

struct Variant {
  std::string id;
  std::string sku;  // byte for byte; may be blank
  std::string barcode;
  std::optional<Money> price;
  std::optional<std::int64_t> stock;
  std::string option;

  friend bool operator==(const Variant&, const Variant&) = default;
};

struct Product {
  std::int64_t number = 0;
  std::string id;
  std::string name;
  std::vector<Variant> variants;
  std::int64_t version = 0;  // the etag
  absl::Time create_time, update_time;
  std::vector<std::string> image_uris = {};
};

// All values are checked before they come here, but for SKU keys and ids taken, which only the store knows.

// All or nothing. ALREADY_EXISTS: product id; SKU_TAKEN naming `product.variants[i].sku`.
absl::StatusOr<Product> CreateProduct(Database& database, std::string_view merchant_id,
                                      const Product& product);
absl::StatusOr<Product> GetProduct(Database& database, std::string_view merchant_id,
                                   std::string_view product_id);
// In the order of their numbers, those after `after_number`.
absl::StatusOr<std::vector<Product>> ListProducts(Database& database, std::string_view merchant_id,
                                                  std::int64_t after_number, int limit);
struct ProductChange {
  std::optional<std::string> name;
  std::optional<std::vector<std::string>> image_uris;
  std::optional<std::vector<Variant>> variants;  // the whole list: others are deleted
  std::optional<std::int64_t> version;           // ETAG_MISMATCH when it is not the current one
};
absl::StatusOr<Product> UpdateProduct(Database& database, std::string_view merchant_id,
                                      std::string_view product_id, const ProductChange& change);
absl::Status DeleteProduct(Database& database, std::string_view merchant_id, std::string_view product_id,
                           std::optional<std::int64_t> version);

// Fields of a variant that a row of an import leaves as they are known.
struct KeptFields {
  bool sku = false, barcode = false, price = false, stock = false, option = false;
};

// One row of an import: creates or changes the product and the variants it names. Without image_uris the
// product keeps those it has.
struct ImportRow {
  std::int64_t line = 0;
  Product product;
  std::vector<KeptFields> kept_fields = {};  // empty, or one for each variant
  std::vector<std::int64_t> variant_lines;   // empty, or one for each variant
  std::vector<int> variant_indexes;  // where each variant stood in the request's row, for `variants[i].sku`
};

struct ImportOutcome {
  std::vector<v1::RefusedRow> refused;
  v1::ImportCounts counts;  // of these rows; `rows` and what was refused before are the caller's to add
};

// One or more transactions of bounded size; each row is wholly in one of them.
absl::StatusOr<ImportOutcome> ImportProducts(Database& database, std::string_view merchant_id,
                                             const std::vector<ImportRow>& rows);

}  // namespace skulink::store
