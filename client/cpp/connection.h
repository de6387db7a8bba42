#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "grpcpp/grpcpp.h"
#include "skulink/client.h"
#include "skulink/v1/catalog_service.grpc.pb.h"
#include "skulink/v1/channel_service.grpc.pb.h"
#include "skulink/v1/inventory_service.grpc.pb.h"
#include "skulink/v1/merchant_service.grpc.pb.h"
#include "skulink/v1/products_menu_service.grpc.pb.h"
#include "skulink/v1/sync_service.grpc.pb.h"

namespace skulink::internal {

// What copies of a Client share.
struct Connection {
  ClientOptions options;
  std::shared_ptr<v1::MerchantService::Stub> merchants;
  std::shared_ptr<v1::CatalogService::Stub> catalog;
  std::shared_ptr<v1::ChannelService::Stub> channels;
  std::shared_ptr<v1::SyncService::Stub> sync;
  std::shared_ptr<v1::ProductsMenuService::Stub> menu;
  std::shared_ptr<v1::InventoryService::Stub> inventory;
};

// With the details that the server sent.
absl::Status FromGrpc(const grpc::Status& status);

// The one place that decides what is tried again, and when: UNAVAILABLE, unless it is a Seller Center that
// is.
class Backoff {
 public:
  // Tries without any answer of the server, before it has answered once.
  static constexpr int kMaxTries = 5;

  // How long to wait after a try that ended with `status`; nullopt when it must not be tried again.
  std::optional<absl::Duration> NextDelay(const absl::Status& status);
  // The server has answered: the next failure is the first of its kind, and the number of tries is not
  // limited from now on.
  void Answered();

 private:
  int tries_ = 0;
  bool answered_ = false;
};

// Whether a call does the same when it arrives twice.
enum class Repeatable { kNo, kYes };

template <class Stub, class Request, class Response>
using UnaryMethod = grpc::Status (Stub::*)(grpc::ClientContext*, const Request&, Response*);

template <class Stub, class Request, class Response>
absl::StatusOr<Response> Call(const Connection& connection, Stub& stub,
                              UnaryMethod<Stub, Request, Response> method, const Request& request,
                              Repeatable repeatable) {
  const absl::Time deadline = absl::Now() + connection.options.timeout;
  Backoff backoff;
  while (true) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(deadline));
    Response response;
    absl::Status status = FromGrpc((stub.*method)(&context, request, &response));
    if (status.ok()) return response;
    if (repeatable == Repeatable::kNo) return status;
    const std::optional<absl::Duration> delay = backoff.NextDelay(status);
    if (!delay.has_value() || absl::Now() + *delay >= deadline) return status;
    absl::SleepFor(*delay);
  }
}

// `take(response, rows)` moves the rows of a response to the empty `rows`.
template <class Row, class Stub, class Request, class Response, class Take>
Pages<Row> ListPages(std::shared_ptr<const Connection> connection, Stub& stub,
                     UnaryMethod<Stub, Request, Response> method, Request request, Take take) {
  constexpr int kLargestPage = 1000;
  if (request.page_size() == 0) request.set_page_size(kLargestPage);
  return Pages<Row>([connection = std::move(connection), &stub, method, request = std::move(request), take](
                        std::string& page_token, std::vector<Row>& page) mutable -> absl::Status {
    request.set_page_token(page_token);
    absl::StatusOr<Response> response = Call(*connection, stub, method, request, Repeatable::kYes);
    if (!response.ok()) return response.status();
    page_token = response->next_page_token();
    return take(*response, page);
  });
}

// `rows` is the accessor of the response's rows.
template <class Row, class Stub, class Request, class Response>
Pages<Row> List(std::shared_ptr<const Connection> connection, Stub& stub,
                UnaryMethod<Stub, Request, Response> method, Request request,
                google::protobuf::RepeatedPtrField<Row>* (Response::*rows)()) {
  return ListPages<Row>(std::move(connection), stub, method, std::move(request),
                        [rows](Response& response, std::vector<Row>& page) {
                          google::protobuf::RepeatedPtrField<Row>& received = *(response.*rows)();
                          page.assign(std::make_move_iterator(received.begin()),
                                      std::make_move_iterator(received.end()));
                          return absl::OkStatus();
                        });
}

}  // namespace skulink::internal
