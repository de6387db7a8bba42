#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

// Resource names (AIP-122). Ids are percent-encoded in names where they hold `/`, `%`, or a control
// character.
namespace skulink {

struct MerchantName {
  std::string merchant;
};
struct ProductName {
  std::string merchant, product;
};
struct VariantName {
  std::string merchant, product, variant;
};
struct ChannelName {
  std::string merchant, channel;
};
struct ListingName {
  std::string merchant, channel, listing;
};
struct JobName {
  std::string merchant, job;
};

std::string ToString(const MerchantName& name);
std::string ToString(const ProductName& name);
std::string ToString(const VariantName& name);
std::string ToString(const ChannelName& name);
std::string ToString(const ListingName& name);
std::string ToString(const JobName& name);

// `field` is the request's field, for the error: FIELD_REQUIRED when empty, FORMAT_INVALID with the form
// expected.
absl::StatusOr<MerchantName> ParseMerchantName(std::string_view name, std::string_view field);
absl::StatusOr<ProductName> ParseProductName(std::string_view name, std::string_view field);
absl::StatusOr<VariantName> ParseVariantName(std::string_view name, std::string_view field);
absl::StatusOr<ChannelName> ParseChannelName(std::string_view name, std::string_view field);
absl::StatusOr<ListingName> ParseListingName(std::string_view name, std::string_view field);
absl::StatusOr<JobName> ParseJobName(std::string_view name, std::string_view field);

// Ids of merchants and channels: 1 to 63 of a-z, 0-9 and `-`, a letter first.
absl::Status CheckSlug(std::string_view id, std::string_view field);
// Ids from outside (POS, Seller Centers): 1 to 128 code points, UTF-8, no control characters, no white space
// at the ends.
absl::Status CheckForeignId(std::string_view id, std::string_view field);

}  // namespace skulink
