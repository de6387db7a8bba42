#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "server/store/merchants.h"
#include "server/store/session.h"

namespace skulink::store {

// A variant as a caller names it: by its SKU, or by its ids.
struct VariantChoice {
  std::optional<std::string> sku;
  std::string product_id, variant_id;  // without a SKU
};

struct ChosenVariant {
  std::int64_t product = 0, number = 0;
  std::string product_id, variant_id;
  std::string sku, sku_key;
  std::optional<std::int64_t> stock;
};

struct ChosenVariants {
  std::vector<ChosenVariant> variants;  // each once
  std::vector<std::optional<std::size_t>>
      choices;  // of each choice, where in `variants`; absent: there is none
};
ChosenVariants FindVariants(Session& session, const Merchant& merchant,
                            const std::vector<VariantChoice>& choices);

// NOT_FOUND, with metadata `field`.
absl::Status NoSuchVariant(const Merchant& merchant, const VariantChoice& choice, const std::string& field);

}  // namespace skulink::store
