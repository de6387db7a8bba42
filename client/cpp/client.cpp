#include "skulink/client.h"

#include "client/cpp/connection.h"
#include "client/cpp/scan_request.h"

namespace skulink {
namespace {

using internal::Call;
using internal::List;
using internal::Repeatable;

// The part of a response that the caller wants.
template <class Response, class Part>
absl::StatusOr<Part> Take(absl::StatusOr<Response> response, Part* (Response::*part)()) {
  if (!response.ok()) return std::move(response).status();
  return std::move(*((*response).*part)());
}

// A second arrival of an update is refused when the etag is no longer current.
template <class Resource>
Repeatable UpdateRepeatable(const Resource& resource) {
  return resource.etag().empty() ? Repeatable::kNo : Repeatable::kYes;
}

template <class Request>
void SetMask(Request& request, const std::vector<std::string>& fields) {
  for (const std::string& field : fields) request.mutable_update_mask()->add_paths(field);
}

}  // namespace

absl::StatusOr<v1::Merchant> Client::CreateMerchant(std::string_view merchant_id,
                                                    const v1::Merchant& merchant) {
  v1::CreateMerchantRequest request;
  request.set_merchant_id(std::string(merchant_id));
  *request.mutable_merchant() = merchant;
  return Take(Call(*connection_, *connection_->merchants, &v1::MerchantService::Stub::CreateMerchant, request,
                   Repeatable::kNo),
              &v1::CreateMerchantResponse::mutable_merchant);
}

absl::StatusOr<v1::Merchant> Client::GetMerchant(std::string_view name) {
  v1::GetMerchantRequest request;
  request.set_name(std::string(name));
  return Take(Call(*connection_, *connection_->merchants, &v1::MerchantService::Stub::GetMerchant, request,
                   Repeatable::kYes),
              &v1::GetMerchantResponse::mutable_merchant);
}

Pages<v1::Merchant> Client::ListMerchants() {
  return List(connection_, *connection_->merchants, &v1::MerchantService::Stub::ListMerchants,
              v1::ListMerchantsRequest(), &v1::ListMerchantsResponse::mutable_merchants);
}

absl::StatusOr<v1::Merchant> Client::UpdateMerchant(const v1::Merchant& merchant,
                                                    const std::vector<std::string>& fields) {
  v1::UpdateMerchantRequest request;
  *request.mutable_merchant() = merchant;
  SetMask(request, fields);
  return Take(Call(*connection_, *connection_->merchants, &v1::MerchantService::Stub::UpdateMerchant, request,
                   UpdateRepeatable(merchant)),
              &v1::UpdateMerchantResponse::mutable_merchant);
}

absl::StatusOr<v1::Product> Client::CreateProduct(std::string_view merchant, const v1::Product& product) {
  v1::CreateProductRequest request;
  request.set_parent(std::string(merchant));
  *request.mutable_product() = product;
  return Take(Call(*connection_, *connection_->catalog, &v1::CatalogService::Stub::CreateProduct, request,
                   Repeatable::kNo),
              &v1::CreateProductResponse::mutable_product);
}

absl::StatusOr<v1::Product> Client::GetProduct(std::string_view name) {
  v1::GetProductRequest request;
  request.set_name(std::string(name));
  return Take(Call(*connection_, *connection_->catalog, &v1::CatalogService::Stub::GetProduct, request,
                   Repeatable::kYes),
              &v1::GetProductResponse::mutable_product);
}

Pages<v1::Product> Client::ListProducts(std::string_view merchant) {
  v1::ListProductsRequest request;
  request.set_parent(std::string(merchant));
  return List(connection_, *connection_->catalog, &v1::CatalogService::Stub::ListProducts, std::move(request),
              &v1::ListProductsResponse::mutable_products);
}

absl::StatusOr<v1::Product> Client::UpdateProduct(const v1::Product& product,
                                                  const std::vector<std::string>& fields) {
  v1::UpdateProductRequest request;
  *request.mutable_product() = product;
  SetMask(request, fields);
  return Take(Call(*connection_, *connection_->catalog, &v1::CatalogService::Stub::UpdateProduct, request,
                   UpdateRepeatable(product)),
              &v1::UpdateProductResponse::mutable_product);
}

absl::Status Client::DeleteProduct(std::string_view name, std::string_view etag) {
  v1::DeleteProductRequest request;
  request.set_name(std::string(name));
  request.set_etag(std::string(etag));
  return Call(*connection_, *connection_->catalog, &v1::CatalogService::Stub::DeleteProduct, request,
              Repeatable::kYes)
      .status();
}

absl::StatusOr<v1::Channel> Client::CreateChannel(std::string_view merchant, std::string_view channel_id,
                                                  const v1::Channel& channel) {
  v1::CreateChannelRequest request;
  request.set_parent(std::string(merchant));
  request.set_channel_id(std::string(channel_id));
  *request.mutable_channel() = channel;
  return Take(Call(*connection_, *connection_->channels, &v1::ChannelService::Stub::CreateChannel, request,
                   Repeatable::kNo),
              &v1::CreateChannelResponse::mutable_channel);
}

absl::StatusOr<v1::Channel> Client::GetChannel(std::string_view name) {
  v1::GetChannelRequest request;
  request.set_name(std::string(name));
  return Take(Call(*connection_, *connection_->channels, &v1::ChannelService::Stub::GetChannel, request,
                   Repeatable::kYes),
              &v1::GetChannelResponse::mutable_channel);
}

Pages<v1::Channel> Client::ListChannels(std::string_view merchant) {
  v1::ListChannelsRequest request;
  request.set_parent(std::string(merchant));
  return List(connection_, *connection_->channels, &v1::ChannelService::Stub::ListChannels,
              std::move(request), &v1::ListChannelsResponse::mutable_channels);
}

absl::StatusOr<v1::Channel> Client::UpdateChannel(const v1::Channel& channel,
                                                  const std::vector<std::string>& fields) {
  v1::UpdateChannelRequest request;
  *request.mutable_channel() = channel;
  SetMask(request, fields);
  return Take(Call(*connection_, *connection_->channels, &v1::ChannelService::Stub::UpdateChannel, request,
                   UpdateRepeatable(channel)),
              &v1::UpdateChannelResponse::mutable_channel);
}

absl::Status Client::DeleteChannel(std::string_view name, std::string_view etag) {
  v1::DeleteChannelRequest request;
  request.set_name(std::string(name));
  request.set_etag(std::string(etag));
  return Call(*connection_, *connection_->channels, &v1::ChannelService::Stub::DeleteChannel, request,
              Repeatable::kYes)
      .status();
}

absl::StatusOr<v1::CheckChannelResponse> Client::CheckChannel(std::string_view name) {
  v1::CheckChannelRequest request;
  request.set_name(std::string(name));
  return Call(*connection_, *connection_->channels, &v1::ChannelService::Stub::CheckChannel, request,
              Repeatable::kYes);
}

absl::StatusOr<v1::Job> Client::StartScan(std::string_view channel, const ScanSelection& selection) {
  const auto request = internal::ScanOf<v1::StartScanRequest>(channel, selection);
  return Take(
      Call(*connection_, *connection_->sync, &v1::SyncService::Stub::StartScan, request, Repeatable::kYes),
      &v1::StartScanResponse::mutable_job);
}

absl::StatusOr<v1::Job> Client::GetJob(std::string_view name) {
  v1::GetJobRequest request;
  request.set_name(std::string(name));
  return Take(
      Call(*connection_, *connection_->sync, &v1::SyncService::Stub::GetJob, request, Repeatable::kYes),
      &v1::GetJobResponse::mutable_job);
}

Pages<v1::Job> Client::ListJobs(std::string_view merchant, std::string_view channel) {
  v1::ListJobsRequest request;
  request.set_parent(std::string(merchant));
  request.set_channel(std::string(channel));
  return List(connection_, *connection_->sync, &v1::SyncService::Stub::ListJobs, std::move(request),
              &v1::ListJobsResponse::mutable_jobs);
}

absl::StatusOr<v1::Job> Client::CancelJob(std::string_view name) {
  v1::CancelJobRequest request;
  request.set_name(std::string(name));
  return Take(
      Call(*connection_, *connection_->sync, &v1::SyncService::Stub::CancelJob, request, Repeatable::kNo),
      &v1::CancelJobResponse::mutable_job);
}

absl::StatusOr<v1::Job> Client::ConfirmJob(std::string_view name) {
  v1::ConfirmJobRequest request;
  request.set_name(std::string(name));
  return Take(
      Call(*connection_, *connection_->sync, &v1::SyncService::Stub::ConfirmJob, request, Repeatable::kNo),
      &v1::ConfirmJobResponse::mutable_job);
}

Pages<v1::JobItem> Client::ListJobItems(std::string_view job) {
  v1::ListJobItemsRequest request;
  request.set_parent(std::string(job));
  return List(connection_, *connection_->sync, &v1::SyncService::Stub::ListJobItems, std::move(request),
              &v1::ListJobItemsResponse::mutable_items);
}

Pages<v1::MenuVariant> Client::ListSoldInChannel(const v1::ListSoldInChannelRequest& request) {
  return List(connection_, *connection_->menu, &v1::ProductsMenuService::Stub::ListSoldInChannel, request,
              &v1::ListSoldInChannelResponse::mutable_variants);
}

Pages<v1::Listing> Client::ListNotInPos(const v1::ListNotInPosRequest& request) {
  return List(connection_, *connection_->menu, &v1::ProductsMenuService::Stub::ListNotInPos, request,
              &v1::ListNotInPosResponse::mutable_listings);
}

Pages<ExplainedListing> Client::ListNotInPosWithReasons(const v1::ListNotInPosRequest& request) {
  v1::ListNotInPosRequest with_reasons = request;
  with_reasons.set_with_reasons(true);
  return internal::ListPages<ExplainedListing>(
      connection_, *connection_->menu, &v1::ProductsMenuService::Stub::ListNotInPos, std::move(with_reasons),
      [](v1::ListNotInPosResponse& response, std::vector<ExplainedListing>& rows) -> absl::Status {
        if (response.explanations_size() != response.listings_size()) {
          return absl::UnimplementedError("the server is too old to give reasons");
        }
        for (int i = 0; i < response.listings_size(); ++i) {
          rows.push_back(
              {std::move(*response.mutable_listings(i)), std::move(*response.mutable_explanations(i))});
        }
        return absl::OkStatus();
      });
}

absl::StatusOr<std::vector<v1::NotInPosSummary>> Client::SummarizeNotInPos(
    std::string_view merchant, const std::vector<std::string>& channels) {
  v1::SummarizeNotInPosRequest request;
  request.set_parent(std::string(merchant));
  for (const std::string& channel : channels) request.add_channels(channel);
  absl::StatusOr<v1::SummarizeNotInPosResponse> response =
      Call(*connection_, *connection_->menu, &v1::ProductsMenuService::Stub::SummarizeNotInPos, request,
           Repeatable::kYes);
  if (!response.ok()) return response.status();
  return std::vector<v1::NotInPosSummary>(response->summaries().begin(), response->summaries().end());
}

Pages<v1::NotInChannelRow> Client::ListNotInChannel(const v1::ListNotInChannelRequest& request) {
  return List(connection_, *connection_->menu, &v1::ProductsMenuService::Stub::ListNotInChannel, request,
              &v1::ListNotInChannelResponse::mutable_rows);
}

Pages<v1::MenuVariant> Client::ListInPos(const v1::ListInPosRequest& request) {
  return List(connection_, *connection_->menu, &v1::ProductsMenuService::Stub::ListInPos, request,
              &v1::ListInPosResponse::mutable_variants);
}

Pages<v1::MultipleListing> Client::ListMultipleListings(const v1::ListMultipleListingsRequest& request) {
  return List(connection_, *connection_->menu, &v1::ProductsMenuService::Stub::ListMultipleListings, request,
              &v1::ListMultipleListingsResponse::mutable_groups);
}

absl::StatusOr<std::vector<v1::ChannelStatistic>> Client::ListChannelStatistics(
    std::string_view merchant, const std::vector<std::string>& channels) {
  v1::ListChannelStatisticsRequest request;
  request.set_parent(std::string(merchant));
  for (const std::string& channel : channels) request.add_channels(channel);
  absl::StatusOr<v1::ListChannelStatisticsResponse> response =
      Call(*connection_, *connection_->menu, &v1::ProductsMenuService::Stub::ListChannelStatistics, request,
           Repeatable::kYes);
  if (!response.ok()) return response.status();
  return std::vector<v1::ChannelStatistic>(response->statistics().begin(), response->statistics().end());
}

}  // namespace skulink
