#include "server/service/services.h"

#include "server/service/catalog_handlers.h"
#include "server/service/channel_handlers.h"
#include "server/service/import_stream.h"
#include "server/service/inventory_handlers.h"
#include "server/service/job_watch.h"
#include "server/service/merchant_handlers.h"
#include "server/service/products_menu_handlers.h"
#include "server/service/push_watch.h"
#include "server/service/sync_handlers.h"
#include "server/service/transfer_handlers.h"
#include "server/service/unary_call.h"
#include "server/service/wire.h"
#include "skulink/v1/catalog_service.grpc.pb.h"
#include "skulink/v1/channel_service.grpc.pb.h"
#include "skulink/v1/inventory_service.grpc.pb.h"
#include "skulink/v1/merchant_service.grpc.pb.h"
#include "skulink/v1/products_menu_service.grpc.pb.h"
#include "skulink/v1/sync_service.grpc.pb.h"

// All methods take and give bytes, so that a request that is no message is answered as other bad input is.
namespace skulink {
namespace {

// A unary method, done by the handler of the same name.
#define SKULINK_UNARY(Method, limit)                                                                      \
  grpc::ServerUnaryReactor* Method(grpc::CallbackServerContext* context, const grpc::ByteBuffer* request, \
                                   grpc::ByteBuffer* response) override {                                 \
    return StartUnary(runtime_, context, request, response, skulink::Method, limit);                      \
  }

// Services wrapped one around the other: Wrap<Service, A, B> is B<A<Service>>.
template <typename Service, template <typename> typename... Wrappers>
struct Wrapped {
  using Type = Service;
};
template <typename Service, template <typename> typename First, template <typename> typename... Rest>
struct Wrapped<Service, First, Rest...> {
  using Type = typename Wrapped<First<Service>, Rest...>::Type;
};
template <typename Service, template <typename> typename... Wrappers>
using Wrap = typename Wrapped<Service, Wrappers...>::Type;

using Merchants = v1::MerchantService;
class MerchantService final : public Wrap<Merchants::Service, Merchants::WithRawCallbackMethod_CreateMerchant,
                                          Merchants::WithRawCallbackMethod_GetMerchant,
                                          Merchants::WithRawCallbackMethod_ListMerchants,
                                          Merchants::WithRawCallbackMethod_UpdateMerchant> {
 public:
  explicit MerchantService(const Runtime& runtime) : runtime_(runtime) {}
  SKULINK_UNARY(CreateMerchant, kCallLimit)
  SKULINK_UNARY(GetMerchant, kCallLimit)
  SKULINK_UNARY(ListMerchants, kCallLimit)
  SKULINK_UNARY(UpdateMerchant, kLongCallLimit)

 private:
  const Runtime& runtime_;
};

using Catalog = v1::CatalogService;
class CatalogService final
    : public Wrap<Catalog::Service, Catalog::WithRawCallbackMethod_CreateProduct,
                  Catalog::WithRawCallbackMethod_GetProduct, Catalog::WithRawCallbackMethod_ListProducts,
                  Catalog::WithRawCallbackMethod_UpdateProduct, Catalog::WithRawCallbackMethod_DeleteProduct,
                  Catalog::WithRawCallbackMethod_ImportProducts> {
 public:
  explicit CatalogService(const Runtime& runtime) : runtime_(runtime) {}
  SKULINK_UNARY(CreateProduct, kCallLimit)
  SKULINK_UNARY(GetProduct, kCallLimit)
  SKULINK_UNARY(ListProducts, kCallLimit)
  SKULINK_UNARY(UpdateProduct, kCallLimit)
  SKULINK_UNARY(DeleteProduct, kCallLimit)
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* ImportProducts(
      grpc::CallbackServerContext*) override {
    return ImportStream::Start(runtime_);
  }

 private:
  const Runtime& runtime_;
};

using Channels = v1::ChannelService;
class ChannelService final
    : public Wrap<Channels::Service, Channels::WithRawCallbackMethod_CreateChannel,
                  Channels::WithRawCallbackMethod_GetChannel, Channels::WithRawCallbackMethod_ListChannels,
                  Channels::WithRawCallbackMethod_UpdateChannel,
                  Channels::WithRawCallbackMethod_DeleteChannel,
                  Channels::WithRawCallbackMethod_CheckChannel> {
 public:
  explicit ChannelService(const Runtime& runtime) : runtime_(runtime) {}
  SKULINK_UNARY(CreateChannel, kCallLimit)
  SKULINK_UNARY(GetChannel, kCallLimit)
  SKULINK_UNARY(ListChannels, kCallLimit)
  SKULINK_UNARY(UpdateChannel, kCallLimit)
  SKULINK_UNARY(DeleteChannel, kLongCallLimit)
  SKULINK_UNARY(CheckChannel, kCallLimit)

 private:
  const Runtime& runtime_;
};

template <typename Request, typename Response>
grpc::ServerWriteReactor<grpc::ByteBuffer>* StartWatch(const Runtime& runtime,
                                                       const grpc::ByteBuffer& bytes) {
  const auto open = [bytes](CallContext& call) -> absl::StatusOr<WatchedJob> {
    Request request;
    SKULINK_RETURN_IF_ERROR(ParseMessage(bytes, request));
    return OpenWatch(request, call);
  };
  return JobWatch::Start(runtime, open, [](const v1::Job& job, bool heartbeat) {
    Response response;
    *response.mutable_job() = job;
    response.set_heartbeat(heartbeat);
    return SerializeMessage(response);
  });
}

using Sync = v1::SyncService;
class SyncService final
    : public Wrap<Sync::Service, Sync::WithRawCallbackMethod_StartScan,
                  Sync::WithRawCallbackMethod_ScanChannel, Sync::WithRawCallbackMethod_GetJob,
                  Sync::WithRawCallbackMethod_ListJobs, Sync::WithRawCallbackMethod_WatchJob,
                  Sync::WithRawCallbackMethod_CancelJob, Sync::WithRawCallbackMethod_ConfirmJob,
                  Sync::WithRawCallbackMethod_ListJobItems, Sync::WithRawCallbackMethod_StartDownload,
                  Sync::WithRawCallbackMethod_StartUpload> {
 public:
  explicit SyncService(const Runtime& runtime) : runtime_(runtime) {}
  SKULINK_UNARY(StartScan, kCallLimit)
  SKULINK_UNARY(StartDownload, kCallLimit)
  SKULINK_UNARY(StartUpload, kCallLimit)
  SKULINK_UNARY(GetJob, kCallLimit)
  SKULINK_UNARY(ListJobs, kCallLimit)
  SKULINK_UNARY(CancelJob, kCallLimit)
  SKULINK_UNARY(ConfirmJob, kCallLimit)
  SKULINK_UNARY(ListJobItems, kCallLimit)
  grpc::ServerWriteReactor<grpc::ByteBuffer>* WatchJob(grpc::CallbackServerContext*,
                                                       const grpc::ByteBuffer* request) override {
    return StartWatch<v1::WatchJobRequest, v1::WatchJobResponse>(runtime_, *request);
  }
  grpc::ServerWriteReactor<grpc::ByteBuffer>* ScanChannel(grpc::CallbackServerContext*,
                                                          const grpc::ByteBuffer* request) override {
    return StartWatch<v1::ScanChannelRequest, v1::ScanChannelResponse>(runtime_, *request);
  }

 private:
  const Runtime& runtime_;
};

using Menu = v1::ProductsMenuService;
class ProductsMenuService final
    : public Wrap<Menu::Service, Menu::WithRawCallbackMethod_ListSoldInChannel,
                  Menu::WithRawCallbackMethod_ListNotInPos, Menu::WithRawCallbackMethod_SummarizeNotInPos,
                  Menu::WithRawCallbackMethod_ListNotInChannel, Menu::WithRawCallbackMethod_ListInPos,
                  Menu::WithRawCallbackMethod_ListMultipleListings,
                  Menu::WithRawCallbackMethod_ListChannelStatistics> {
 public:
  explicit ProductsMenuService(const Runtime& runtime) : runtime_(runtime) {}
  SKULINK_UNARY(ListSoldInChannel, kCallLimit)
  SKULINK_UNARY(ListNotInPos, kCallLimit)
  SKULINK_UNARY(SummarizeNotInPos, kLongCallLimit)
  SKULINK_UNARY(ListNotInChannel, kCallLimit)
  SKULINK_UNARY(ListInPos, kCallLimit)
  SKULINK_UNARY(ListMultipleListings, kCallLimit)
  SKULINK_UNARY(ListChannelStatistics, kCallLimit)

 private:
  const Runtime& runtime_;
};

using Inventory = v1::InventoryService;
class InventoryService final
    : public Wrap<Inventory::Service, Inventory::WithRawCallbackMethod_SetStock,
                  Inventory::WithRawCallbackMethod_AdjustStock, Inventory::WithRawCallbackMethod_ListPushes,
                  Inventory::WithRawCallbackMethod_WatchPushes> {
 public:
  explicit InventoryService(const Runtime& runtime) : runtime_(runtime) {}
  SKULINK_UNARY(SetStock, kCallLimit)
  SKULINK_UNARY(AdjustStock, kCallLimit)
  SKULINK_UNARY(ListPushes, kCallLimit)
  grpc::ServerWriteReactor<grpc::ByteBuffer>* WatchPushes(grpc::CallbackServerContext*,
                                                          const grpc::ByteBuffer* request) override {
    return PushWatch::Start(runtime_, *request);
  }

 private:
  const Runtime& runtime_;
};

#undef SKULINK_UNARY

}  // namespace

std::vector<std::unique_ptr<grpc::Service>> MakeServices(const Runtime& runtime) {
  std::vector<std::unique_ptr<grpc::Service>> services;
  services.push_back(std::make_unique<MerchantService>(runtime));
  services.push_back(std::make_unique<CatalogService>(runtime));
  services.push_back(std::make_unique<ChannelService>(runtime));
  services.push_back(std::make_unique<SyncService>(runtime));
  services.push_back(std::make_unique<ProductsMenuService>(runtime));
  services.push_back(std::make_unique<InventoryService>(runtime));
  return services;
}

}  // namespace skulink
