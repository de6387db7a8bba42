#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "server/store/products.h"
#include "tests/integration/scan_fixture.h"

// What tests of downloads and uploads need again and again.
namespace skulink {

class TransferTest : public ScanTest {
 protected:
  // Jobs of the channel, to their ends.
  v1::Job Download(v1::StartDownloadRequest request = All(), const std::string& channel = "shop") {
    return AwaitEnd(StartDownload(std::move(request), channel));
  }
  v1::Job Upload(v1::StartUploadRequest request, const std::string& channel = "shop") {
    return AwaitEnd(StartUpload(std::move(request), channel));
  }
  v1::Job StartDownload(v1::StartDownloadRequest request = All(), const std::string& channel = "shop") {
    return Start(v1::JOB_KIND_DOWNLOAD, request, channel);
  }
  v1::Job StartUpload(const v1::StartUploadRequest& request, const std::string& channel = "shop") {
    return Start(v1::JOB_KIND_UPLOAD, request, channel);
  }

  static v1::StartDownloadRequest All() {
    v1::StartDownloadRequest request;
    request.set_all(true);
    return request;
  }
  // Of the channel `shop`.
  static v1::StartDownloadRequest Listings(const std::vector<std::string>& ids) {
    v1::StartDownloadRequest request;
    for (const std::string& id : ids) request.add_listings(ToString(ListingName{"default", "shop", id}));
    return request;
  }
  static v1::StartUploadRequest Products(const std::vector<std::string>& ids) {
    v1::StartUploadRequest request;
    for (const std::string& id : ids) request.add_products(ToString(ProductName{"default", id}));
    return request;
  }
  static v1::StartUploadRequest AllNotInChannel() {
    v1::StartUploadRequest request;
    request.set_all(true);
    return request;
  }

  store::Product Product(const std::string& id) {
    const auto product = store::GetProduct(database(), "default", id);
    EXPECT_TRUE(product.ok()) << product.status();
    return product.value_or(store::Product());
  }
  void Import(const store::Product& product) {
    const auto imported = store::ImportProducts(
        database(), "default", {{.line = 1, .product = product, .variant_lines = {}, .variant_indexes = {}}});
    ASSERT_TRUE(imported.ok() && imported->refused.empty()) << imported.status();
  }
  // `sku` or, with an option, `sku=option`; each at a price. Two spaces: no SKU.
  static store::Product MakeProduct(const std::string& id, const std::vector<std::string>& skus) {
    store::Product product{.id = id, .name = "Produk " + id, .create_time = {}, .update_time = {}};
    for (const std::string& text : skus) {
      const std::size_t equals = std::min(text.find('='), text.size());
      const std::string sku = text.substr(0, equals);
      product.variants.push_back({.id = "v-" + (sku == "  " ? "blank" : sku),
                                  .sku = sku,
                                  .barcode = {},
                                  .price = Money{50'000 * 10'000, "IDR"},
                                  .stock = 7,
                                  .option = equals < text.size() ? text.substr(equals + 1) : ""});
    }
    return product;
  }

  // What the report says of each listing, or variant where there is none: `CREATED`, `SKIPPED SKU_EMPTY`.
  std::map<std::string, std::string> Outcomes(const v1::Job& job) {
    std::map<std::string, std::string> outcomes;
    for (const v1::JobItem& item : Items(job)) {
      std::string text = v1::JobItemOutcome_Name(item.outcome()).substr(sizeof "JOB_ITEM_OUTCOME_" - 1);
      if (item.reason() != v1::ERROR_REASON_UNSPECIFIED) text += " " + ReasonName(item.reason());
      if (!item.field().empty()) text += " " + item.field();
      const std::string variant =
          item.variant().empty() ? "" : ParseVariantName(item.variant(), "variant")->variant;
      const bool of_listing = job.kind() == v1::JOB_KIND_DOWNLOAD;
      EXPECT_TRUE(outcomes.emplace(of_listing ? item.listing_id() : variant, text).second)
          << item.ShortDebugString() << " is reported twice";
    }
    return outcomes;
  }

 private:
  template <typename Request>
  v1::Job Start(v1::JobKind kind, const Request& request, const std::string& channel) {
    const auto job = engine().StartJob({.channel = {"default", channel},
                                        .kind = kind,
                                        .validate_only = request.validate_only(),
                                        .request_id = {},
                                        .request = request.SerializeAsString()});
    if (!job.ok()) throw std::runtime_error(job.status().ToString());
    return *job;
  }
};

}  // namespace skulink
