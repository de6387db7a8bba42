#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "skulink/import.h"
#include "skulink/pages.h"
#include "skulink/v1/catalog_service.pb.h"
#include "skulink/v1/channel_service.pb.h"
#include "skulink/v1/inventory_service.pb.h"
#include "skulink/v1/merchant_service.pb.h"
#include "skulink/v1/products_menu_service.pb.h"
#include "skulink/v1/sync_service.pb.h"

namespace skulink {

namespace internal {
struct Connection;
}

struct ClientOptions {
  // `host:port` or `grpc://host:port`; `grpcs://host:port` for TLS.
  std::string server = "127.0.0.1:50051";
  // For TLS: certificates that vouch for the server, as PEM. Empty: the system's.
  std::string root_certificates = {};
  // How long a call may take, tries included. Not for imports, scans and watching.
  absl::Duration timeout = absl::Seconds(60);
  // How long an import, a scan or watching goes on trying without any answer.
  absl::Duration give_up_after = absl::Minutes(5);
};

// What a scan reads; by default all listings.
struct ScanSelection {
  // Only what changed since the last scan of all or of what changed.
  bool updated = false;
  // Only these items, by their ids at the Seller Center.
  std::vector<std::string> item_ids = {};
};

// A row of Not In POS.
struct ExplainedListing {
  v1::Listing listing;
  v1::NotInPosExplanation explanation;
};

// What a download makes POS products of: a selection, or all that is Not In POS.
struct DownloadSelection {
  bool all = false;
  std::vector<std::string> listings = {};  // names
  std::vector<std::string> item_ids = {};  // at the Seller Center
  bool with_stock = false;                 // take the listings' stock too
  bool validate_only = false;              // a dry run: the same report, nothing is made
};

// What an upload makes listings of: a selection, or all that is Not In Channel.
struct UploadSelection {
  bool all = false;
  std::vector<std::string> products = {}, variants = {};  // names
  bool validate_only = false;
};

// Called with each new state of a job.
using OnJobProgress = std::function<void(const v1::Job&)>;

// Called with all pushes of a variant, at first and whenever one changed.
using OnPushes = std::function<void(const std::vector<v1::Push>&)>;

// Calls a Skulink server. Names are resource names: `merchants/default/channels/shopee` (see
// skulink/names.h).
//
// Errors carry the server's reason and field: ReasonOf() and FieldOf() of skulink/errors.h. Calls that can be
// made twice without harm are tried again when the server cannot be reached or asks to come back later.
//
// Cheap to copy; copies share the connection. All methods can be called from several threads at once.
class Client {
 public:
  // Does not wait for the connection. INVALID_ARGUMENT when the options make no sense.
  static absl::StatusOr<Client> Connect(const ClientOptions& options = {});

  // The same connection, with another timeout of calls.
  Client WithTimeout(absl::Duration timeout) const;

  absl::StatusOr<v1::Merchant> CreateMerchant(std::string_view merchant_id,
                                              const v1::Merchant& merchant = {});
  absl::StatusOr<v1::Merchant> GetMerchant(std::string_view name);
  Pages<v1::Merchant> ListMerchants();
  // Changes the fields named, by default all. Tried again only when `merchant` has its etag; so are the other
  // updates.
  absl::StatusOr<v1::Merchant> UpdateMerchant(const v1::Merchant& merchant,
                                              const std::vector<std::string>& fields = {});

  absl::StatusOr<v1::Product> CreateProduct(std::string_view merchant, const v1::Product& product);
  absl::StatusOr<v1::Product> GetProduct(std::string_view name);
  Pages<v1::Product> ListProducts(std::string_view merchant);
  absl::StatusOr<v1::Product> UpdateProduct(const v1::Product& product,
                                            const std::vector<std::string>& fields = {});
  // NOT_FOUND may mean that an earlier try has deleted it; so with DeleteChannel.
  absl::Status DeleteProduct(std::string_view name, std::string_view etag = "");

  // Sends all rows of `source`, a few messages under way at a time. After a lost connection it goes on with
  // what was not answered. Answers the totals.
  absl::StatusOr<v1::ImportCounts> ImportProducts(std::string_view merchant, const ImportSource& source,
                                                  const OnImportProgress& on_progress = nullptr);
  // Refused rows name the file's fields: `name`, `sku`, `currency`.
  absl::StatusOr<v1::ImportCounts> ImportFile(std::string_view merchant, const std::string& path,
                                              ImportFormat format,
                                              const OnImportProgress& on_progress = nullptr);

  absl::StatusOr<v1::Channel> CreateChannel(std::string_view merchant, std::string_view channel_id,
                                            const v1::Channel& channel);
  absl::StatusOr<v1::Channel> GetChannel(std::string_view name);
  Pages<v1::Channel> ListChannels(std::string_view merchant);
  absl::StatusOr<v1::Channel> UpdateChannel(const v1::Channel& channel,
                                            const std::vector<std::string>& fields = {});
  absl::Status DeleteChannel(std::string_view name, std::string_view etag = "");
  absl::StatusOr<v1::CheckChannelResponse> CheckChannel(std::string_view name);

  // Starts a scan and returns its job at once.
  absl::StatusOr<v1::Job> StartScan(std::string_view channel, const ScanSelection& selection = {});
  // Scans and reports progress until the job has ended or needs confirmation; answers that job, which may
  // have failed. Outlives lost connections and restarts of the server. `stop` ends the watching with
  // CANCELLED, not the job.
  absl::StatusOr<v1::Job> Scan(std::string_view channel, const OnJobProgress& on_progress = nullptr,
                               const std::stop_token& stop = {}, const ScanSelection& selection = {});
  // Start a download or an upload and return its job at once: WatchJob reports how far it is, ListJobItems
  // what became of each listing or variant.
  absl::StatusOr<v1::Job> StartDownload(std::string_view channel, const DownloadSelection& selection);
  absl::StatusOr<v1::Job> StartUpload(std::string_view channel, const UploadSelection& selection);
  // As Scan, of a job that was started before.
  absl::StatusOr<v1::Job> WatchJob(std::string_view name, const OnJobProgress& on_progress = nullptr,
                                   const std::stop_token& stop = {});
  absl::StatusOr<v1::Job> GetJob(std::string_view name);
  // The newest first; of one channel when `channel` is given.
  Pages<v1::Job> ListJobs(std::string_view merchant, std::string_view channel = "");
  absl::StatusOr<v1::Job> CancelJob(std::string_view name);
  absl::StatusOr<v1::Job> ConfirmJob(std::string_view name);
  Pages<v1::JobItem> ListJobItems(std::string_view job);

  // Set stocks, or add to them, all or nothing; one answer for each, in order. Tried again safely: however
  // often a call arrives, it is done once.
  absl::StatusOr<std::vector<v1::VariantStock>> SetStock(std::string_view merchant,
                                                         const std::vector<v1::StockSetting>& settings);
  absl::StatusOr<std::vector<v1::VariantStock>> AdjustStock(
      std::string_view merchant, const std::vector<v1::StockAdjustment>& adjustments);
  // What is, or was last, sent to listings. `page_token` is not read.
  Pages<v1::Push> ListPushes(const v1::ListPushesRequest& request);
  // Reports the pushes of a variant until `stop` (CANCELLED) or an error. Outlives lost connections and
  // restarts of the server.
  absl::Status WatchPushes(std::string_view merchant, const v1::VariantSelector& variant,
                           const OnPushes& on_pushes, const std::stop_token& stop);

  // The products menu. `page_token` of the request is not read; without a `page_size`, pages are as large as
  // possible.
  Pages<v1::MenuVariant> ListSoldInChannel(const v1::ListSoldInChannelRequest& request);
  Pages<v1::Listing> ListNotInPos(const v1::ListNotInPosRequest& request);
  // The same, with why each listing is not in the POS.
  Pages<ExplainedListing> ListNotInPosWithReasons(const v1::ListNotInPosRequest& request);
  // Of all channels when none is named. Takes some seconds for a million listings: see WithTimeout.
  absl::StatusOr<std::vector<v1::NotInPosSummary>> SummarizeNotInPos(
      std::string_view merchant, const std::vector<std::string>& channels = {});
  Pages<v1::NotInChannelRow> ListNotInChannel(const v1::ListNotInChannelRequest& request);
  Pages<v1::MenuVariant> ListInPos(const v1::ListInPosRequest& request);
  Pages<v1::MultipleListing> ListMultipleListings(const v1::ListMultipleListingsRequest& request);
  // Of all channels when none is named.
  absl::StatusOr<std::vector<v1::ChannelStatistic>> ListChannelStatistics(
      std::string_view merchant, const std::vector<std::string>& channels = {});

 private:
  explicit Client(std::shared_ptr<const internal::Connection> connection)
      : connection_(std::move(connection)) {}

  std::shared_ptr<const internal::Connection> connection_;
};

}  // namespace skulink
