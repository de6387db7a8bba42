#include "server/service/wire.h"

#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/support/proto_buffer_reader.h>
#include <grpcpp/support/slice.h>
#include <spdlog/spdlog.h>

#include <random>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/errors.h"
#include "server/service/invalid_utf8.h"

namespace skulink {
namespace {

constexpr std::size_t kMaxDetails = 3072;
// It crosses twice, and percent-encoded once.
constexpr std::size_t kMaxMessage = 1024;
constexpr std::size_t kMaxMetadata = 128;

std::string Flatten(const grpc::ByteBuffer& bytes) {
  std::vector<grpc::Slice> slices;
  std::string flat;
  if (!bytes.Dump(&slices).ok()) return flat;
  flat.reserve(bytes.Length());
  for (const grpc::Slice& slice : slices) {
    flat.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return flat;
}

// Never in the middle of a character.
std::string Cut(const std::string& text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  std::size_t end = bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80) --end;
  return text.substr(0, end);
}

// The reason and short metadata alone.
absl::Status Shorten(const absl::Status& status) {
  ErrorMetadata metadata = {{"truncated", "true"}};
  for (const char* key : {"field", "resource", "variant", "job"}) {
    const std::string value = MetadataOf(status, key);
    if (!value.empty()) metadata.emplace_back(key, Cut(value, kMaxMetadata));
  }
  return Error(status.code(), ReasonOf(status), Cut(std::string(status.message()), kMaxMessage), metadata);
}

absl::Status Defect(const absl::Status& status) {
  const std::string incident = absl::StrFormat("%08x", std::random_device{}());
  spdlog::error("incident {}: {}", incident, status.ToString());
  return Error(absl::StatusCode::kInternal, v1::ERROR_REASON_INTERNAL,
               absl::StrCat("a defect of the server; its log says more about incident ", incident),
               {{"incident", incident}});
}

}  // namespace

absl::Status ParseMessage(const grpc::ByteBuffer& bytes, google::protobuf::Message& message) {
  grpc::ByteBuffer buffer = bytes;
  {
    grpc::ProtoBufferReader reader(&buffer);
    if (reader.status().ok() && message.ParseFromZeroCopyStream(&reader)) return absl::OkStatus();
  }
  if (const auto path = FindInvalidUtf8(*message.GetDescriptor(), Flatten(bytes))) {
    return InvalidField(*path, v1::ERROR_REASON_TEXT_INVALID, "is not UTF-8");
  }
  return Error(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_FORMAT_INVALID,
               absl::StrCat("the bytes sent are no ", message.GetDescriptor()->full_name()));
}

grpc::ByteBuffer SerializeMessage(const google::protobuf::Message& message) {
  grpc::Slice slice(message.ByteSizeLong());
  message.SerializeWithCachedSizesToArray(const_cast<std::uint8_t*>(slice.begin()));
  return grpc::ByteBuffer(&slice, 1);
}

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const absl::Status told = ReasonOf(status) == v1::ERROR_REASON_UNSPECIFIED ? Defect(status) : status;
  google::rpc::Status proto = ToProto(told);
  if (proto.message().size() > kMaxMessage || proto.ByteSizeLong() > kMaxDetails) {
    proto = ToProto(Shorten(told));
  }
  return grpc::Status(static_cast<grpc::StatusCode>(proto.code()), proto.message(),
                      proto.SerializeAsString());
}

}  // namespace skulink
