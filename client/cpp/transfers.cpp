#include "client/cpp/connection.h"
#include "client/cpp/request_id.h"
#include "skulink/client.h"

namespace skulink {

using internal::Call;
using internal::Repeatable;

absl::StatusOr<v1::Job> Client::StartDownload(std::string_view channel, const DownloadSelection& selection) {
  v1::StartDownloadRequest request;
  request.set_channel(std::string(channel));
  request.set_all(selection.all);
  request.mutable_listings()->Assign(selection.listings.begin(), selection.listings.end());
  request.mutable_item_ids()->Assign(selection.item_ids.begin(), selection.item_ids.end());
  request.set_with_stock(selection.with_stock);
  request.set_validate_only(selection.validate_only);
  request.set_request_id(internal::NewRequestId());
  absl::StatusOr<v1::StartDownloadResponse> response = Call(
      *connection_, *connection_->sync, &v1::SyncService::Stub::StartDownload, request, Repeatable::kYes);
  if (!response.ok()) return std::move(response).status();
  return std::move(*response->mutable_job());
}

absl::StatusOr<v1::Job> Client::StartUpload(std::string_view channel, const UploadSelection& selection) {
  v1::StartUploadRequest request;
  request.set_channel(std::string(channel));
  request.set_all(selection.all);
  request.mutable_products()->Assign(selection.products.begin(), selection.products.end());
  request.mutable_variants()->Assign(selection.variants.begin(), selection.variants.end());
  request.set_validate_only(selection.validate_only);
  request.set_request_id(internal::NewRequestId());
  absl::StatusOr<v1::StartUploadResponse> response =
      Call(*connection_, *connection_->sync, &v1::SyncService::Stub::StartUpload, request, Repeatable::kYes);
  if (!response.ok()) return std::move(response).status();
  return std::move(*response->mutable_job());
}

}  // namespace skulink
