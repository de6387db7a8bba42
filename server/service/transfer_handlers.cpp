#include "server/service/transfer_handlers.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/names.h"
#include "server/service/request_fields.h"
#include "server/store/transfer_plan.h"
#include "server/store/upload_products.h"

namespace skulink {
namespace {

constexpr int kMaxSelected = 10'000;

std::string At(std::string_view field, int index) {
  return absl::StrCat(std::string(field), "[", index, "]");
}

// Either all or a selection, which is in two fields.
absl::Status CheckSelection(bool all, int selected, std::string_view first, std::string_view second) {
  if (all) {
    if (selected == 0) return absl::OkStatus();
    return InvalidField(
        "all", v1::ERROR_REASON_FORMAT_INVALID,
        absl::StrCat("must not be set together with ", std::string(first), " or ", std::string(second)));
  }
  if (selected == 0) {
    return InvalidField(first, v1::ERROR_REASON_FIELD_REQUIRED,
                        absl::StrCat("or ", std::string(second), " must name something, unless all is set"));
  }
  if (selected > kMaxSelected) {
    return InvalidField(first, v1::ERROR_REASON_VALUE_OUT_OF_RANGE,
                        absl::StrCat("and ", std::string(second), " must be at most ", kMaxSelected));
  }
  return absl::OkStatus();
}

// Throws unless nothing is missing, which -1 says.
void RefuseMissing(int missing, std::string_view field, std::string_view description) {
  if (missing < 0) return;
  throw store::Refused(InvalidField(At(field, missing), v1::ERROR_REASON_NOT_FOUND, description));
}

// Starts the job of a StartDownloadRequest or StartUploadRequest that was checked.
template <typename Request>
absl::StatusOr<v1::Job> Start(const Request& request, v1::JobKind kind, ChannelName channel,
                              const store::JobCheck& check, CallContext& call) {
  SKULINK_ASSIGN_OR_RETURN(std::string request_id, ReadRequestId(request.request_id()));
  Request what = request;
  what.clear_request_id();
  return call.engine.StartJob({.channel = std::move(channel),
                               .kind = kind,
                               .validate_only = request.validate_only(),
                               .request_id = std::move(request_id),
                               .request = what.SerializeAsString()},
                              check);
}

}  // namespace

absl::StatusOr<v1::StartDownloadResponse> StartDownload(const v1::StartDownloadRequest& request,
                                                        CallContext& call) {
  SKULINK_ASSIGN_OR_RETURN(const ChannelName channel, ParseChannelName(request.channel(), "channel"));
  SKULINK_RETURN_IF_ERROR(CheckSelection(request.all(), request.listings_size() + request.item_ids_size(),
                                         "listings", "item_ids"));
  std::vector<std::string> listings;
  for (int i = 0; i < request.listings_size(); ++i) {
    const std::string field = At("listings", i);
    SKULINK_ASSIGN_OR_RETURN(ListingName name, ParseListingName(request.listings(i), field));
    if (name.merchant != channel.merchant || name.channel != channel.channel) {
      return InvalidField(field, v1::ERROR_REASON_FORMAT_INVALID, "must be a listing of the channel");
    }
    listings.push_back(std::move(name.listing));
  }
  for (int i = 0; i < request.item_ids_size(); ++i) {
    SKULINK_RETURN_IF_ERROR(CheckForeignId(request.item_ids(i), At("item_ids", i)));
  }
  const std::vector<std::string> items(request.item_ids().begin(), request.item_ids().end());
  const auto check = [&](store::Session& session, const store::Merchant& merchant, int channel_number) {
    RefuseMissing(store::FindMissingListing(session, merchant.number, channel_number, listings), "listings",
                  "is no listing that the channel has");
    RefuseMissing(store::FindMissingItem(session, merchant.number, channel_number, items), "item_ids",
                  "is no item that the channel has");
  };
  v1::StartDownloadResponse response;
  SKULINK_ASSIGN_OR_RETURN(*response.mutable_job(),
                           Start(request, v1::JOB_KIND_DOWNLOAD, channel, check, call));
  return response;
}

absl::StatusOr<v1::StartUploadResponse> StartUpload(const v1::StartUploadRequest& request,
                                                    CallContext& call) {
  SKULINK_ASSIGN_OR_RETURN(const ChannelName channel, ParseChannelName(request.channel(), "channel"));
  SKULINK_RETURN_IF_ERROR(CheckSelection(request.all(), request.products_size() + request.variants_size(),
                                         "products", "variants"));
  std::vector<std::string> products;
  for (int i = 0; i < request.products_size(); ++i) {
    const std::string field = At("products", i);
    SKULINK_ASSIGN_OR_RETURN(ProductName name, ParseProductName(request.products(i), field));
    if (name.merchant != channel.merchant) {
      return InvalidField(field, v1::ERROR_REASON_FORMAT_INVALID,
                          "must be a product of the channel's merchant");
    }
    products.push_back(std::move(name.product));
  }
  std::vector<store::VariantId> variants;
  for (int i = 0; i < request.variants_size(); ++i) {
    const std::string field = At("variants", i);
    SKULINK_ASSIGN_OR_RETURN(VariantName name, ParseVariantName(request.variants(i), field));
    if (name.merchant != channel.merchant) {
      return InvalidField(field, v1::ERROR_REASON_FORMAT_INVALID,
                          "must be a variant of the channel's merchant");
    }
    variants.push_back({std::move(name.product), std::move(name.variant)});
  }
  const auto check = [&](store::Session& session, const store::Merchant& merchant, int channel_number) {
    // What the channel has would be made once more.
    if (!store::WasScannedInFull(session, merchant.number, channel_number)) {
      throw store::Refused(Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_FULL_SCAN_NEEDED,
                                 ToString(channel) + " was not scanned in full yet: scan it first",
                                 {{"channel", ToString(channel)}}));
    }
    RefuseMissing(store::FindMissingProduct(session, merchant.number, products), "products",
                  "is no product that the POS has");
    RefuseMissing(store::FindMissingVariant(session, merchant.number, variants), "variants",
                  "is no variant that the POS has");
  };
  v1::StartUploadResponse response;
  SKULINK_ASSIGN_OR_RETURN(*response.mutable_job(),
                           Start(request, v1::JOB_KIND_UPLOAD, channel, check, call));
  return response;
}

}  // namespace skulink
