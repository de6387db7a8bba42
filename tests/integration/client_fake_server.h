#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "grpcpp/grpcpp.h"
#include "skulink/client.h"
#include "skulink/v1/catalog_service.grpc.pb.h"
#include "skulink/v1/channel_service.grpc.pb.h"
#include "skulink/v1/inventory_service.grpc.pb.h"
#include "skulink/v1/merchant_service.grpc.pb.h"
#include "skulink/v1/sync_service.grpc.pb.h"

// Services of which a test says how each call is answered, to see what the client makes of it.
namespace skulink {

inline grpc::Status ToGrpc(const absl::Status& status) {
  return {static_cast<grpc::StatusCode>(status.code()), std::string(status.message()),
          ToProto(status).SerializeAsString()};
}

inline absl::Status ServerIsGone() { return absl::UnavailableError("gone"); }

struct FakeMerchants : v1::MerchantService::Service {
  std::function<absl::StatusOr<v1::Merchant>()> get, create, update;
  std::function<absl::StatusOr<v1::ListMerchantsResponse>(const v1::ListMerchantsRequest&)> list;

  grpc::Status GetMerchant(grpc::ServerContext*, const v1::GetMerchantRequest*,
                           v1::GetMerchantResponse* response) override {
    return Answer(get(), response->mutable_merchant());
  }
  grpc::Status CreateMerchant(grpc::ServerContext*, const v1::CreateMerchantRequest*,
                              v1::CreateMerchantResponse* response) override {
    return Answer(create(), response->mutable_merchant());
  }
  grpc::Status UpdateMerchant(grpc::ServerContext*, const v1::UpdateMerchantRequest*,
                              v1::UpdateMerchantResponse* response) override {
    return Answer(update(), response->mutable_merchant());
  }
  grpc::Status ListMerchants(grpc::ServerContext*, const v1::ListMerchantsRequest* request,
                             v1::ListMerchantsResponse* response) override {
    return Answer(list(*request), response);
  }

 private:
  template <class Message>
  static grpc::Status Answer(const absl::StatusOr<Message>& answer, Message* target) {
    if (!answer.ok()) return ToGrpc(answer.status());
    *target = *answer;
    return grpc::Status::OK;
  }
};

struct FakeChannels : v1::ChannelService::Service {
  std::function<absl::Status()> check;
  grpc::Status CheckChannel(grpc::ServerContext*, const v1::CheckChannelRequest*,
                            v1::CheckChannelResponse*) override {
    return ToGrpc(check());
  }
};

struct FakeCatalog : v1::CatalogService::Service {
  using Stream = grpc::ServerReaderWriter<v1::ImportProductsResponse, v1::ImportProductsRequest>;
  std::function<absl::Status(Stream&)> import;
  grpc::Status ImportProducts(grpc::ServerContext*, Stream* stream) override {
    return ToGrpc(import(*stream));
  }
};

struct FakeSync : v1::SyncService::Service {
  using Writer = grpc::ServerWriter<v1::ScanChannelResponse>;
  std::function<absl::Status(grpc::ServerContext&, const v1::ScanChannelRequest&, Writer&)> scan;
  std::function<absl::Status(const v1::StartDownloadRequest&, v1::StartDownloadResponse&)> download;
  std::function<absl::Status(const v1::StartUploadRequest&, v1::StartUploadResponse&)> upload;
  grpc::Status ScanChannel(grpc::ServerContext* context, const v1::ScanChannelRequest* request,
                           Writer* writer) override {
    return ToGrpc(scan(*context, *request, *writer));
  }
  grpc::Status StartDownload(grpc::ServerContext*, const v1::StartDownloadRequest* request,
                             v1::StartDownloadResponse* response) override {
    return ToGrpc(download(*request, *response));
  }
  grpc::Status StartUpload(grpc::ServerContext*, const v1::StartUploadRequest* request,
                           v1::StartUploadResponse* response) override {
    return ToGrpc(upload(*request, *response));
  }
};

struct FakeInventory : v1::InventoryService::Service {
  using Writer = grpc::ServerWriter<v1::WatchPushesResponse>;
  std::function<absl::Status(const v1::SetStockRequest&, v1::SetStockResponse&)> set;
  std::function<absl::Status(const v1::AdjustStockRequest&, v1::AdjustStockResponse&)> adjust;
  std::function<absl::Status(const v1::WatchPushesRequest&, Writer&)> watch;
  grpc::Status SetStock(grpc::ServerContext*, const v1::SetStockRequest* request,
                        v1::SetStockResponse* response) override {
    return ToGrpc(set(*request, *response));
  }
  grpc::Status AdjustStock(grpc::ServerContext*, const v1::AdjustStockRequest* request,
                           v1::AdjustStockResponse* response) override {
    return ToGrpc(adjust(*request, *response));
  }
  grpc::Status WatchPushes(grpc::ServerContext*, const v1::WatchPushesRequest* request,
                           Writer* writer) override {
    return ToGrpc(watch(*request, *writer));
  }
};

struct FakeServer {
  FakeMerchants merchants;
  FakeChannels channels;
  FakeCatalog catalog;
  FakeSync sync;
  FakeInventory inventory;
  int port = 0;
  std::unique_ptr<grpc::Server> server;

  // At `port`, or at a free one. Answers are to be set before.
  void Start() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(absl::StrCat("127.0.0.1:", port), grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&merchants);
    builder.RegisterService(&channels);
    builder.RegisterService(&catalog);
    builder.RegisterService(&sync);
    builder.RegisterService(&inventory);
    server = builder.BuildAndStart();
  }
  // Cuts all connections, and waits for the calls: what they have left is safe to look at then.
  void Stop() {
    server->Shutdown(std::chrono::system_clock::now());
    server.reset();
  }

  Client Connect(ClientOptions options = {}) const {
    options.server = absl::StrCat("127.0.0.1:", port);
    return *Client::Connect(options);
  }
};

}  // namespace skulink
