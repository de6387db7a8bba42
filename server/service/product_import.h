#pragma once

#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"
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
  void Decode(const v1::ImportRow& row, const std::string& currency, v1::ImportProductsResponse& response,
              std::vector<store::ImportRow>& rows);
  // Refuses a product that came before with another name: each import of such a file would rename it twice.
  absl::Status CheckSameName(const v1::ImportRow& row);

  // Where the stream had a product first, in as few bytes as will do for a million.
  struct Met {
    std::uint32_t name_hash, line;
  };

  std::string merchant_id_;                      // empty before the first message
  absl::flat_hash_map<std::uint64_t, Met> met_;  // by the id's hash; the first million
  v1::ImportCounts totals_;
};

}  // namespace skulink
