#pragma once

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>

#include "absl/status/status.h"
#include "google/protobuf/message.h"

// Messages and statuses as gRPC carries them.
namespace skulink {

// INVALID_ARGUMENT when the bytes are no such message; the field is named when its text is not UTF-8.
absl::Status ParseMessage(const grpc::ByteBuffer& bytes, google::protobuf::Message& message);

grpc::ByteBuffer SerializeMessage(const google::protobuf::Message& message);

// With google.rpc.Status as its details. All of it fits into the 8 KiB that gRPC allows for trailers: what is
// too long is cut, and metadata `truncated` says so. A status without a reason of ours is a defect: it is
// logged, and the caller gets INTERNAL with the number to look for in the log.
grpc::Status ToGrpcStatus(const absl::Status& status);

}  // namespace skulink
