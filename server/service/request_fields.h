#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/page_token.h"
#include "common/product_rules.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/field_mask.pb.h"

// Checks that requests of several services have in common. Each refusal names the field.
namespace skulink {

// FIELD_REQUIRED unless `present`.
absl::Status CheckGiven(bool present, std::string_view field);

// An etag is the version as text. Nullopt when empty.
absl::StatusOr<std::optional<std::int64_t>> ParseEtag(std::string_view etag, std::string_view field);
std::string MakeEtag(std::int64_t version);

// Which fields an update changes.
class UpdateMask {
 public:
  // `known`: the paths that the method takes. An empty mask and `*` mean all of them.
  static absl::StatusOr<UpdateMask> Parse(const google::protobuf::FieldMask& mask,
                                          std::initializer_list<std::string_view> known);
  bool Has(std::string_view path) const;

 private:
  explicit UpdateMask(const google::protobuf::FieldMask& mask) : mask_(mask) {}
  const google::protobuf::FieldMask& mask_;
};

// The number in a page token of one column; 0 when there is no token.
absl::StatusOr<std::int64_t> ReadNumberToken(const google::protobuf::Message& request);
// The text in a page token of one column; empty when there is no token.
absl::StatusOr<std::string> ReadTextToken(const google::protobuf::Message& request);

// A UUID in small letters, or empty.
absl::StatusOr<std::string> ReadRequestId(std::string_view request_id);

// Time between two messages of a stream: 0.05 s to 60 s, 0.25 s when absent.
absl::StatusOr<absl::Duration> ReadMinInterval(bool given, const google::protobuf::Duration& min_interval);

// What follows the field's name in the message of an InvalidField.
std::string DescriptionOf(const absl::Status& invalid_field);
// The same refusal, for a field that is part of `parent`.
absl::Status WithinField(std::string_view parent, const absl::Status& invalid_field);

}  // namespace skulink
