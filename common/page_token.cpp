#include "common/page_token.h"

#include <xxhash.h>

#include <memory>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace skulink {
namespace {

using google::protobuf::Message;
using google::protobuf::io::ArrayInputStream;
using google::protobuf::io::CodedInputStream;
using google::protobuf::io::CodedOutputStream;
using google::protobuf::io::StringOutputStream;

// A token is base64url of: this, the request's fingerprint, each column with its length before it, and a
// checksum of all that.
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kChecksumLength = 8;

std::uint64_t Hash(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

const google::protobuf::FieldDescriptor* Field(const Message& request, const char* name) {
  return request.GetDescriptor()->FindFieldByName(name);
}

// What a token is bound to: the method, by its request's type, and all fields that choose or order the rows.
std::uint64_t Fingerprint(const Message& request) {
  std::unique_ptr<Message> chosen(request.New());
  chosen->CopyFrom(request);
  chosen->GetReflection()->ClearField(chosen.get(), Field(request, "page_size"));
  chosen->GetReflection()->ClearField(chosen.get(), Field(request, "page_token"));
  std::string bytes = request.GetDescriptor()->full_name();
  bytes.push_back('\0');
  {
    StringOutputStream stream(&bytes);
    CodedOutputStream output(&stream);
    output.SetSerializationDeterministic(true);
    chosen->SerializeToCodedStream(&output);
  }
  return Hash(bytes);
}

absl::Status InvalidToken() {
  return InvalidField("page_token", v1::ERROR_REASON_PAGE_TOKEN_INVALID,
                      "must be empty or the next_page_token of a request with the same other fields");
}

}  // namespace

absl::StatusOr<int> PageSize(std::int32_t requested) {
  if (requested < 0 || requested > kMaxPageSize) {
    return InvalidField("page_size", v1::ERROR_REASON_VALUE_OUT_OF_RANGE,
                        absl::StrCat("must be 1 to ", kMaxPageSize, ", or 0 for ", kDefaultPageSize));
  }
  return requested == 0 ? kDefaultPageSize : requested;
}

std::string MakePageToken(const Message& request, const PagePosition& position) {
  std::string token;
  {
    StringOutputStream stream(&token);
    CodedOutputStream output(&stream);
    output.WriteRaw(&kVersion, sizeof kVersion);
    output.WriteLittleEndian64(Fingerprint(request));
    for (const std::string& column : position) {
      output.WriteVarint32(static_cast<std::uint32_t>(column.size()));
      output.WriteString(column);
    }
  }
  const std::uint64_t checksum = Hash(token);
  {
    StringOutputStream stream(&token);
    CodedOutputStream(&stream).WriteLittleEndian64(checksum);
  }
  return absl::WebSafeBase64Escape(token);
}

absl::StatusOr<PagePosition> ReadPageToken(const Message& request, std::size_t columns) {
  const std::string escaped = request.GetReflection()->GetString(request, Field(request, "page_token"));
  PagePosition position;
  if (escaped.empty()) return position;

  // Unescaping passes over white space and padding; only what MakePageToken wrote is taken.
  std::string token;
  if (!absl::WebSafeBase64Unescape(escaped, &token) || absl::WebSafeBase64Escape(token) != escaped ||
      token.size() < kChecksumLength) {
    return InvalidToken();
  }
  const std::size_t body = token.size() - kChecksumLength;
  ArrayInputStream stream(token.data(), static_cast<int>(token.size()));
  CodedInputStream input(&stream);
  std::uint8_t version = 0;
  std::uint64_t fingerprint = 0;
  if (!input.ReadRaw(&version, sizeof version) || version != kVersion ||
      !input.ReadLittleEndian64(&fingerprint) || fingerprint != Fingerprint(request)) {
    return InvalidToken();
  }
  while (input.CurrentPosition() < static_cast<int>(body)) {
    std::uint32_t length = 0;
    if (!input.ReadVarint32(&length) || length > body ||
        !input.ReadString(&position.emplace_back(), static_cast<int>(length))) {
      return InvalidToken();
    }
  }
  std::uint64_t checksum = 0;
  if (!input.ReadLittleEndian64(&checksum) || checksum != Hash(std::string_view(token).substr(0, body))) {
    return InvalidToken();
  }
  if (position.size() != columns) return InvalidToken();
  return position;
}

}  // namespace skulink
