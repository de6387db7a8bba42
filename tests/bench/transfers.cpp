#include <iostream>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "grpcpp/create_channel.h"
#include "skulink/client.h"
#include "skulink/sellercenter/v1/seller_center_service.grpc.pb.h"
#include "tests/bench/bench.h"

namespace skulink::bench {
namespace {

namespace proto = sellercenter::v1;

template <typename Result>
Result Need(absl::StatusOr<Result> result) {
  if (!result.ok()) throw std::runtime_error(result.status().ToString());
  return *std::move(result);
}

void Need(const grpc::Status& status) {
  if (!status.ok()) throw std::runtime_error(status.error_message());
}

// A client of a Seller Center that does nothing with what it is answered.
class BareShop {
 public:
  explicit BareShop(const std::string& endpoint) {
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(16 << 20);
    stub_ = proto::SellerCenterService::NewStub(grpc::CreateCustomChannel(
        endpoint.substr(endpoint.find("://") + 3), grpc::InsecureChannelCredentials(), arguments));
    grpc::ClientContext context;
    Need(stub_->DescribeShop(&context, {}, &shop_));
  }

  std::vector<std::string> ItemIds() {
    grpc::ClientContext context;
    proto::ListListingsRequest request;
    request.set_page_size(shop_.max_page_size());
    const auto reader = stub_->ListListings(&context, request);
    std::set<std::string> ids;
    for (proto::ListListingsResponse page; reader->Read(&page);) {
      for (const proto::Listing& listing : page.listings()) ids.insert(listing.item_id());
    }
    Need(reader->Finish());
    return {ids.begin(), ids.end()};
  }

  // Seconds.
  double GetItems(const std::vector<std::string>& ids) {
    const double start = Now();
    proto::GetItemsRequest request;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      request.add_item_ids(ids[i]);
      if (request.item_ids_size() < shop_.max_items_per_get() && i + 1 < ids.size()) continue;
      grpc::ClientContext context;
      proto::GetItemsResponse response;
      Need(stub_->GetItems(&context, request, &response));
      request.Clear();
    }
    return Now() - start;
  }

  double CreateItems(const std::vector<proto::ItemCreation>& creations) {
    const double start = Now();
    proto::CreateItemsRequest request;
    for (std::size_t i = 0; i < creations.size(); ++i) {
      *request.add_creations() = creations[i];
      if (request.creations_size() < shop_.max_items_per_create() && i + 1 < creations.size()) continue;
      grpc::ClientContext context;
      proto::CreateItemsResponse response;
      Need(stub_->CreateItems(&context, request, &response));
      request.Clear();
    }
    return Now() - start;
  }

 private:
  std::unique_ptr<proto::SellerCenterService::Stub> stub_;
  proto::DescribeShopResponse shop_;
};

void AddChannel(Client& client, const std::string& merchant, const std::string& id,
                const std::string& endpoint) {
  v1::Channel channel;
  channel.set_endpoint(endpoint);
  Need(client.CreateChannel(merchant, id, channel));
}

// Prints how long it took and how much was created.
void Finish(Client& client, const std::string& what, const v1::Job& started, double start) {
  const v1::Job job = Need(client.WatchJob(started.name()));
  if (job.state() != v1::JOB_STATE_SUCCEEDED) throw std::runtime_error(job.DebugString());
  std::cout << what << "_seconds " << Now() - start << '\n'
            << what << "_created " << job.transfer().created() << std::endl;
}

std::vector<proto::ItemCreation> CreationsOf(Client& client) {
  std::vector<proto::ItemCreation> creations;
  Pages<v1::Product> products = client.ListProducts("merchants/default");
  for (const v1::Product& product : products) {
    proto::ItemCreation& creation = creations.emplace_back();
    creation.set_idempotency_key("bench-" + std::to_string(creations.size()));
    creation.set_title(product.display_name());
    for (const v1::Variant& variant : product.variants()) {
      proto::ListingCreation& listing = *creation.add_listings();
      listing.set_seller_sku(variant.sku());
      listing.set_option(variant.option());
      *listing.mutable_price() = variant.price();
      listing.set_stock(variant.stock());
      listing.set_gtin(variant.barcode());
    }
  }
  if (!products.status().ok()) throw std::runtime_error(products.status().ToString());
  return creations;
}

}  // namespace

void MeasureTransfers(const std::string& server, const std::string& source, const std::string& target,
                      const std::string& spare) {
  Client client = Need(Client::Connect({.server = server}));
  // Another merchant, with an empty catalogue, downloads what the first one has there.
  Need(client.CreateMerchant("empty"));
  AddChannel(client, "merchants/empty", "shop", source);
  Need(client.Scan("merchants/empty/channels/shop"));
  BareShop bare(source);
  std::cout << "get_seconds " << bare.GetItems(bare.ItemIds()) << std::endl;
  double start = Now();
  Finish(client, "download",
         Need(client.StartDownload("merchants/empty/channels/shop", {.all = true, .with_stock = true})),
         start);

  AddChannel(client, "merchants/default", "source", source);
  Need(client.Scan("merchants/default/channels/source"));
  AddChannel(client, "merchants/default", "target", target);
  Need(client.Scan("merchants/default/channels/target"));
  std::cout << "create_seconds " << BareShop(spare).CreateItems(CreationsOf(client)) << std::endl;
  start = Now();
  Finish(client, "upload", Need(client.StartUpload("merchants/default/channels/target", {.all = true})),
         start);
}

}  // namespace skulink::bench
