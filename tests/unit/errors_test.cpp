#include "common/errors.h"

#include <gtest/gtest.h>

#include "absl/strings/cord.h"
#include "google/rpc/error_details.pb.h"

namespace skulink {
namespace {

constexpr char kErrorInfoUrl[] = "type.googleapis.com/google.rpc.ErrorInfo";
constexpr char kBadRequestUrl[] = "type.googleapis.com/google.rpc.BadRequest";

TEST(Error, CarriesReasonAndMetadata) {
  const absl::Status status =
      Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_CHANNEL_BUSY,
            "the channel has a running job", {{"job", "merchants/a/jobs/b"}, {"x", "y"}});

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(status.message(), "the channel has a running job");
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_CHANNEL_BUSY);
  EXPECT_EQ(MetadataOf(status, "job"), "merchants/a/jobs/b");
  EXPECT_EQ(MetadataOf(status, "x"), "y");
  EXPECT_EQ(MetadataOf(status, "z"), "");
}

// google.rpc.ErrorInfo is { string reason = 1; string domain = 2; map<string, string> metadata = 3; }: these
// are the bytes that every client library in any language reads.
TEST(Error, IsGoogleRpcErrorInfoOnTheWire) {
  const absl::Status status =
      Error(absl::StatusCode::kAborted, v1::ERROR_REASON_ETAG_MISMATCH, "changed", {{"k", "v"}});

  const auto payload = status.GetPayload(kErrorInfoUrl);

  ASSERT_TRUE(payload.has_value());
  EXPECT_EQ(std::string(*payload),
            "\x0A\x0D"
            "ETAG_MISMATCH"
            "\x12\x0A"
            "skulink.v1"
            "\x1A\x06\x0A\x01k\x12\x01v");
}

TEST(InvalidField, NamesTheFieldEverywhere) {
  const absl::Status status =
      InvalidField("page_size", v1::ERROR_REASON_VALUE_OUT_OF_RANGE, "must be 1 to 1000");

  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "page_size must be 1 to 1000");
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_VALUE_OUT_OF_RANGE);
  EXPECT_EQ(FieldOf(status), "page_size");
  google::rpc::BadRequest bad_request;
  ASSERT_TRUE(bad_request.ParseFromString(std::string(status.GetPayload(kBadRequestUrl).value())));
  ASSERT_EQ(bad_request.field_violations_size(), 1);
  EXPECT_EQ(bad_request.field_violations(0).field(), "page_size");
  EXPECT_EQ(bad_request.field_violations(0).description(), "must be 1 to 1000");
}

TEST(NotFound, NamesTheResource) {
  const absl::Status status = NotFound("merchants/a/channels/b");

  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_NOT_FOUND);
  EXPECT_EQ(MetadataOf(status, "resource"), "merchants/a/channels/b");
  EXPECT_EQ(status.message(), "merchants/a/channels/b does not exist");
}

TEST(AlreadyExists, NamesTheResource) {
  const absl::Status status = AlreadyExists("merchants/a");

  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_ALREADY_EXISTS);
  EXPECT_EQ(MetadataOf(status, "resource"), "merchants/a");
}

TEST(EtagMismatch, NamesTheResource) {
  const absl::Status status = EtagMismatch("merchants/a");

  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_ETAG_MISMATCH);
  EXPECT_EQ(MetadataOf(status, "resource"), "merchants/a");
  EXPECT_EQ(status.message(), "merchants/a was changed since it was read");
}

TEST(Unavailable, SaysWhenToTryAgain) {
  const absl::Status status =
      Unavailable(v1::ERROR_REASON_STORE_UNAVAILABLE, "the database is busy", absl::Milliseconds(1250));

  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_STORE_UNAVAILABLE);
  EXPECT_EQ(RetryAfter(status), absl::Milliseconds(1250));
}

TEST(Details, AreEmptyWhereThereAreNone) {
  for (const absl::Status& status : {absl::OkStatus(), absl::InternalError("plain")}) {
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_UNSPECIFIED);
    EXPECT_EQ(FieldOf(status), "");
    EXPECT_EQ(RetryAfter(status), absl::ZeroDuration());
  }
}

TEST(Details, ThatAreDamagedCountAsNone) {
  absl::Status status = absl::InternalError("damaged");
  status.SetPayload(kErrorInfoUrl, absl::Cord("\xFF\xFF"));

  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(FieldOf(status), "");
}

TEST(ReasonOf, KnowsOnlyItsOwnDomain) {
  absl::Status status = absl::NotFoundError("elsewhere");
  status.SetPayload(kErrorInfoUrl, absl::Cord("\x0A\x09NOT_FOUND\x12\x0Bexample.com"));

  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_UNSPECIFIED);
}

TEST(ReasonName, IsTheEnumNameWithoutPrefix) {
  EXPECT_EQ(ReasonName(v1::ERROR_REASON_FIELD_REQUIRED), "FIELD_REQUIRED");
  EXPECT_EQ(ReasonName(static_cast<v1::ErrorReason>(9999)), "");
  for (int number = v1::ErrorReason_MIN; number <= v1::ErrorReason_MAX; ++number) {
    const auto reason = static_cast<v1::ErrorReason>(number);
    EXPECT_EQ(ReasonOf(Error(absl::StatusCode::kUnknown, reason, "")), reason);
  }
}

TEST(StatusProto, KeepsEverything) {
  absl::Status status = Unavailable(v1::ERROR_REASON_OVERLOADED, "später ✨", absl::Seconds(3));
  status.SetPayload("type.googleapis.com/example.Unknown", absl::Cord(std::string("\0\xFF", 2)));

  const google::rpc::Status proto = ToProto(status);
  google::rpc::Status read;
  ASSERT_TRUE(read.ParseFromString(proto.SerializeAsString()));

  EXPECT_EQ(proto.details_size(), 3);
  EXPECT_EQ(FromProto(read), status);
}

TEST(StatusProto, KeepsOk) {
  EXPECT_EQ(ToProto(absl::OkStatus()).code(), 0);
  EXPECT_TRUE(FromProto(google::rpc::Status()).ok());
}

TEST(StatusProto, KeepsACodeItDoesNotKnow) {
  google::rpc::Status proto;
  proto.set_code(77);

  const absl::Status status = FromProto(proto);

  EXPECT_EQ(status.code(), absl::StatusCode::kUnknown);
  EXPECT_EQ(ToProto(status).code(), 77);
}

// A text from outside must not make a status that no client can read.
TEST(StatusProto, IsUtf8WhateverTheMessage) {
  google::rpc::Status read;

  ASSERT_TRUE(read.ParseFromString(ToProto(absl::InternalError("Caf\xE9")).SerializeAsString()));
  EXPECT_EQ(read.message(), "Caf?");
  const absl::Status status =
      Error(absl::StatusCode::kUnknown, v1::ERROR_REASON_INTERNAL, "a\xFF", {{"k", "b\xFF"}});
  EXPECT_EQ(status.message(), "a?");
  EXPECT_EQ(MetadataOf(status, "k"), "b?");
}

absl::StatusOr<int> Doubled(const absl::StatusOr<int>& number) {
  SKULINK_ASSIGN_OR_RETURN(const int value, number);
  return 2 * value;
}
absl::Status Checked(const absl::Status& status) {
  SKULINK_RETURN_IF_ERROR(status);
  return absl::AlreadyExistsError("went on");
}

TEST(Macros, LeaveTheFunctionWithAnErrorOnly) {
  EXPECT_EQ(Doubled(21).value(), 42);
  EXPECT_EQ(Doubled(NotFound("x")).status(), NotFound("x"));
  EXPECT_EQ(Checked(absl::OkStatus()), absl::AlreadyExistsError("went on"));
  EXPECT_EQ(Checked(NotFound("x")), NotFound("x"));
}

}  // namespace
}  // namespace skulink
