#include "common/names.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/errors.h"
#include "common/text.h"

namespace skulink {
namespace {

constexpr std::size_t kMaxSlugLength = 63;
constexpr TextRule kForeignIdRule = {.max_length = 128, .required = true};

bool IsSlugCharacter(char c) { return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-'; }

// The ids the server gives to jobs.
absl::Status CheckJobId(std::string_view id, std::string_view field) {
  if (!id.empty() && id.size() <= kMaxSlugLength && std::all_of(id.begin(), id.end(), IsSlugCharacter)) {
    return absl::OkStatus();
  }
  return InvalidField(field, v1::ERROR_REASON_FORMAT_INVALID, "must be 1 to 63 of a-z, 0-9 and -");
}

// May have to be encoded.
bool IsUnusual(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte >= 0x7F || byte == '/' || byte == '%';
}

void AppendEncoded(std::string_view id, std::string& name) {
  // Names are made by the thousand for a page.
  if (std::none_of(id.begin(), id.end(), IsUnusual)) {
    name.append(id);
    return;
  }
  for (std::size_t i = 0; i < id.size(); ++i) {
    const auto byte = static_cast<unsigned char>(id[i]);
    const auto before = static_cast<unsigned char>(i > 0 ? id[i - 1] : 0);
    const auto after = static_cast<unsigned char>(i + 1 < id.size() ? id[i + 1] : 0);
    // U+0080 to U+009F are 0xC2 and a byte below 0xA0.
    const bool c1 = (byte == 0xC2 && after >= 0x80 && after < 0xA0) || (before == 0xC2 && byte < 0xA0);
    if (byte < 0x20 || byte == 0x7F || c1 || byte == '/' || byte == '%') {
      absl::StrAppendFormat(&name, "%%%02X", byte);
    } else {
      name.push_back(id[i]);
    }
  }
}

std::optional<std::string> Decode(std::string_view encoded) {
  std::string id;
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    if (encoded[i] != '%') {
      id.push_back(encoded[i]);
      continue;
    }
    int byte = 0;
    const char* digits = encoded.data() + i + 1;
    if (i + 2 >= encoded.size() || std::from_chars(digits, digits + 2, byte, 16).ptr != digits + 2)
      return std::nullopt;
    id.push_back(static_cast<char>(byte));
    i += 2;
  }
  return id;
}

// One level of a name: `merchants/{merchant}`.
struct Level {
  std::string_view collection;
  std::string_view variable;
  absl::Status (*check)(std::string_view id, std::string_view field);
};
constexpr Level kMerchant = {"merchants", "{merchant}", CheckSlug};
constexpr Level kProduct = {"products", "{product}", CheckForeignId};
constexpr Level kVariant = {"variants", "{variant}", CheckForeignId};
constexpr Level kChannel = {"channels", "{channel}", CheckSlug};
constexpr Level kListing = {"listings", "{listing}", CheckForeignId};
constexpr Level kJob = {"jobs", "{job}", CheckJobId};

template <std::size_t count>
using Levels = std::array<Level, count>;
template <std::size_t count>
using Ids = std::array<std::string, count>;

template <std::size_t count>
std::string Build(const Levels<count>& levels, const std::array<std::string_view, count>& ids) {
  std::string name;
  std::size_t length = 0;
  for (std::size_t i = 0; i < count; ++i) length += levels[i].collection.size() + ids[i].size() + 2;
  name.reserve(length);
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) name.push_back('/');
    name.append(levels[i].collection).push_back('/');
    AppendEncoded(ids[i], name);
  }
  return name;
}

template <std::size_t count>
absl::Status WrongForm(const Levels<count>& levels, std::string_view field, std::string_view why = "") {
  std::string description = "must have the form ";
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) description.push_back('/');
    description.append(levels[i].collection).append("/").append(levels[i].variable);
  }
  return InvalidField(field, v1::ERROR_REASON_FORMAT_INVALID, description.append(why));
}

// Takes the text up to the next `/`, and that.
std::string_view TakeSegment(std::optional<std::string_view>& rest) {
  if (!rest.has_value()) return "";
  const std::string_view text = *rest;
  const std::size_t slash = text.find('/');
  rest = slash == std::string_view::npos ? std::nullopt : std::optional(text.substr(slash + 1));
  return text.substr(0, slash);
}

template <std::size_t count>
absl::StatusOr<Ids<count>> Parse(const Levels<count>& levels, std::string_view name, std::string_view field) {
  if (name.empty()) return InvalidField(field, v1::ERROR_REASON_FIELD_REQUIRED, "is required");
  Ids<count> ids;
  std::optional<std::string_view> rest = name;
  for (std::size_t i = 0; i < count; ++i) {
    if (TakeSegment(rest) != levels[i].collection) return WrongForm(levels, field);
    std::optional<std::string> id = Decode(TakeSegment(rest));
    if (!id.has_value()) return WrongForm(levels, field);
    ids[i] = *std::move(id);
  }
  if (rest.has_value()) return WrongForm(levels, field);
  for (std::size_t i = 0; i < count; ++i) {
    const absl::Status valid = levels[i].check(ids[i], levels[i].variable);
    if (!valid.ok()) return WrongForm(levels, field, "; " + std::string(valid.message()));
  }
  return ids;
}

constexpr Levels<1> kMerchantLevels = {kMerchant};
constexpr Levels<2> kProductLevels = {kMerchant, kProduct};
constexpr Levels<3> kVariantLevels = {kMerchant, kProduct, kVariant};
constexpr Levels<2> kChannelLevels = {kMerchant, kChannel};
constexpr Levels<3> kListingLevels = {kMerchant, kChannel, kListing};
constexpr Levels<2> kJobLevels = {kMerchant, kJob};

}  // namespace

std::string ToString(const MerchantName& name) { return Build<1>(kMerchantLevels, {name.merchant}); }
std::string ToString(const ProductName& name) {
  return Build<2>(kProductLevels, {name.merchant, name.product});
}
std::string ToString(const VariantName& name) {
  return Build<3>(kVariantLevels, {name.merchant, name.product, name.variant});
}
std::string ToString(const ChannelName& name) {
  return Build<2>(kChannelLevels, {name.merchant, name.channel});
}
std::string ToString(const ListingName& name) {
  return Build<3>(kListingLevels, {name.merchant, name.channel, name.listing});
}
std::string ToString(const JobName& name) { return Build<2>(kJobLevels, {name.merchant, name.job}); }

absl::StatusOr<MerchantName> ParseMerchantName(std::string_view name, std::string_view field) {
  SKULINK_ASSIGN_OR_RETURN(auto ids, Parse(kMerchantLevels, name, field));
  return MerchantName{std::move(ids[0])};
}
absl::StatusOr<ProductName> ParseProductName(std::string_view name, std::string_view field) {
  SKULINK_ASSIGN_OR_RETURN(auto ids, Parse(kProductLevels, name, field));
  return ProductName{std::move(ids[0]), std::move(ids[1])};
}
absl::StatusOr<VariantName> ParseVariantName(std::string_view name, std::string_view field) {
  SKULINK_ASSIGN_OR_RETURN(auto ids, Parse(kVariantLevels, name, field));
  return VariantName{std::move(ids[0]), std::move(ids[1]), std::move(ids[2])};
}
absl::StatusOr<ChannelName> ParseChannelName(std::string_view name, std::string_view field) {
  SKULINK_ASSIGN_OR_RETURN(auto ids, Parse(kChannelLevels, name, field));
  return ChannelName{std::move(ids[0]), std::move(ids[1])};
}
absl::StatusOr<ListingName> ParseListingName(std::string_view name, std::string_view field) {
  SKULINK_ASSIGN_OR_RETURN(auto ids, Parse(kListingLevels, name, field));
  return ListingName{std::move(ids[0]), std::move(ids[1]), std::move(ids[2])};
}
absl::StatusOr<JobName> ParseJobName(std::string_view name, std::string_view field) {
  SKULINK_ASSIGN_OR_RETURN(auto ids, Parse(kJobLevels, name, field));
  return JobName{std::move(ids[0]), std::move(ids[1])};
}

absl::Status CheckSlug(std::string_view id, std::string_view field) {
  if (id.empty()) return InvalidField(field, v1::ERROR_REASON_FIELD_REQUIRED, "is required");
  if (id.size() <= kMaxSlugLength && absl::ascii_islower(id.front()) &&
      std::all_of(id.begin(), id.end(), IsSlugCharacter)) {
    return absl::OkStatus();
  }
  return InvalidField(field, v1::ERROR_REASON_FORMAT_INVALID,
                      "must be 1 to 63 of a-z, 0-9 and -, a letter first");
}

absl::Status CheckForeignId(std::string_view id, std::string_view field) {
  SKULINK_RETURN_IF_ERROR(CheckTextField(id, field, kForeignIdRule));
  if (Trim(id).size() != id.size()) {
    return InvalidField(field, v1::ERROR_REASON_FORMAT_INVALID, "must not have white space at its ends");
  }
  return absl::OkStatus();
}

}  // namespace skulink
