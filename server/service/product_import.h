#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "server/service/call_context.h"
#include "server/store/products.h"
#include "skulink/v1/catalog_service.pb.h"

namespace skulink {

// One ImportProducts stream, free of gRPC.
class ProductImport {
 public:
  // The answer to the next message, once its good rows are committed. An error ends the stream.
  absl::StatusOr<v1::ImportProductsResponse> Take(const v1::ImportProductsRequest& request,
                                                  CallContext& call);

 private:
  absl::Status ReadParent(const v1::ImportProductsRequest& request);
  // Adds the row, as far as it is good, to `rows`, and what is not to `response`.
  static void Decode(const v1::ImportRow& row, const std::string& currency,
                     v1::ImportProductsResponse& response, std::vector<store::ImportRow>& rows);

  std::string merchant_id_;  // empty before the first message
  v1::ImportCounts totals_;
};

}  // namespace skulink
