#include "client/cpp/connection.h"

#include <grpc/grpc.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "absl/random/random.h"
#include "common/errors.h"
#include "google/rpc/status.pb.h"

namespace skulink {
namespace {

// The call itself was done; what it asked of a Seller Center failed.
bool IsSellerCenterFailure(v1::ErrorReason reason) {
  return reason >= v1::ERROR_REASON_SELLER_CENTER_UNREACHABLE &&
         reason <= v1::ERROR_REASON_SELLER_CENTER_FAILED;
}

// `host:port`; an IPv6 address in brackets. Without a port gRPC would take one of its own.
bool IsAddress(std::string_view target) {
  if (target.starts_with("unix:")) return true;
  const std::size_t colon = target.rfind(':');
  if (colon == 0 || colon == std::string_view::npos || target.find("://") != std::string_view::npos)
    return false;
  const std::string_view host = target.substr(0, colon), port = target.substr(colon + 1);
  if (host.find(':') != std::string_view::npos && !(host.starts_with('[') && host.ends_with(']')))
    return false;
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  return error == std::errc() && end == port.data() + port.size() && number != 0;
}

}  // namespace

namespace internal {

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  google::rpc::Status details;
  if (details.ParseFromString(status.error_details()) &&
      details.code() == static_cast<int>(status.error_code())) {
    return FromProto(details);
  }
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

std::optional<absl::Duration> Backoff::NextDelay(const absl::Status& status) {
  const v1::ErrorReason reason = ReasonOf(status);
  const bool may_pass = absl::IsUnavailable(status) || reason == v1::ERROR_REASON_OVERLOADED;
  if (!may_pass || IsSellerCenterFailure(reason)) return std::nullopt;
  static thread_local absl::BitGen random;
  // A server that says when to come back is there; it does not count as a try.
  if (const absl::Duration asked = RetryAfter(status); asked > absl::ZeroDuration()) {
    return asked * absl::Uniform(random, 1.0, 1.2);
  }
  ++tries_;
  if (!answered_ && tries_ >= kMaxTries) return std::nullopt;
  const absl::Duration longest =
      std::min(absl::Milliseconds(100) * (1 << std::min(tries_, 10)), absl::Seconds(5));
  return longest * absl::Uniform(random, 0.5, 1.0);
}

void Backoff::Answered() {
  tries_ = 0;
  answered_ = true;
}

}  // namespace internal

absl::StatusOr<Client> Client::Connect(const ClientOptions& options) {
  if (options.timeout <= absl::ZeroDuration()) {
    return InvalidField("timeout", v1::ERROR_REASON_VALUE_OUT_OF_RANGE, "must be above zero");
  }
  if (options.give_up_after <= absl::ZeroDuration()) {
    return InvalidField("give_up_after", v1::ERROR_REASON_VALUE_OUT_OF_RANGE, "must be above zero");
  }
  std::string_view target = options.server;
  std::shared_ptr<grpc::ChannelCredentials> credentials;
  if (target.starts_with("grpcs://")) {
    target.remove_prefix(8);
    grpc::SslCredentialsOptions tls;
    tls.pem_root_certs = options.root_certificates;
    credentials = grpc::SslCredentials(tls);
  } else {
    if (target.starts_with("grpc://")) target.remove_prefix(7);
    credentials = grpc::InsecureChannelCredentials();
  }
  if (!IsAddress(target)) {
    return InvalidField("server", v1::ERROR_REASON_FORMAT_INVALID,
                        "must be host:port, grpc://host:port or grpcs://host:port");
  }

  grpc::ChannelArguments arguments;
  arguments.SetUserAgentPrefix("skulink-client");
  // Backoff above is the only thing that tries again.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  // Without these, calls go on failing for up to two minutes after the server has come back.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
  // Pages end at 2 MiB, but one product or one group of listings can be larger.
  arguments.SetMaxReceiveMessageSize(64 << 20);
  // Finds out that a connection with an open stream is dead.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);

  // Once, and never ended: when the last channel goes, gRPC now and then takes ten seconds to end.
  [[maybe_unused]] static const bool kKeptUp = (grpc_init(), true);
  const std::shared_ptr<grpc::Channel> channel =
      grpc::CreateCustomChannel(std::string(target), credentials, arguments);
  return Client(std::make_shared<const internal::Connection>(internal::Connection{
      .options = options,
      .merchants = v1::MerchantService::NewStub(channel),
      .catalog = v1::CatalogService::NewStub(channel),
      .channels = v1::ChannelService::NewStub(channel),
      .sync = v1::SyncService::NewStub(channel),
      .menu = v1::ProductsMenuService::NewStub(channel),
      .inventory = v1::InventoryService::NewStub(channel),
  }));
}

Client Client::WithTimeout(absl::Duration timeout) const {
  internal::Connection connection = *connection_;
  connection.options.timeout = timeout;
  return Client(std::make_shared<const internal::Connection>(std::move(connection)));
}

}  // namespace skulink
