#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "grpcpp/server_context.h"
#include "grpcpp/support/server_callback.h"
#include "tests/seller_center_simulator/simulated_seller_center.h"

namespace skulink::simulator {

// One call of ListListings: a thread that sends page after page. It may wait where gRPC's own threads may
// not.
class SimulatedSellerCenter::PageStream final : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  // Deletes itself when the call is over.
  static PageStream* Start(SimulatedSellerCenter& center, grpc::CallbackServerContext& context,
                           const grpc::ByteBuffer& request);

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override { delete this; }

 private:
  // A place in the listing: what a resume token holds.
  struct Mark {
    int page = 0;                        // sent so far
    ListingBook::Position position = 0;  // in all listings
    UpdateLog::Place updated = {};       // in those that were updated
    std::int64_t listings = 0;           // of those, sent so far
  };
  using Lock = std::unique_lock<std::mutex>;

  PageStream(SimulatedSellerCenter& center, grpc::CallbackServerContext& context)
      : center_(center), context_(context) {}

  grpc::Status Serve(const grpc::ByteBuffer& request);
  grpc::Status ServePages(Lock& lock, Mark mark);
  grpc::Status Check(const sellercenter::v1::ListListingsRequest& request);
  grpc::Status Resume(const std::string& token, Mark& mark) const;
  // False when it is not one that TokenOf makes.
  bool ReadToken(const std::string& token, Mark& mark) const;
  std::string TokenOf(const Mark& mark) const;
  // Waits for the gate and the latency. False when the call is over.
  bool WaitForTurn(Lock& lock, int page);
  // Page mark.page + 1; `mark` is then after it.
  grpc::ByteBuffer MakePage(std::optional<FaultKind> fault, Mark& mark, bool& last);
  grpc::ByteBuffer MakeFullPage(const std::optional<FaultKind>& fault, Mark& mark, bool& last);
  grpc::ByteBuffer MakeUpdatedPage(const std::optional<FaultKind>& fault, Mark& mark, bool& last);
  // False when the call is over.
  bool Send(Lock& lock, const grpc::ByteBuffer& page, bool cut);
  bool Over() const { return cancelled_ || center_.stopping_; }

  SimulatedSellerCenter& center_;
  grpc::CallbackServerContext& context_;
  int page_size_ = 0;
  int max_pages_ = 0;                        // 0: all
  std::optional<absl::Time> updated_since_;  // nullopt: all listings
  std::int64_t updated_ = 0;                 // listings updated since then, when the call came
  // Under the center's lock.
  bool cancelled_ = false;
  std::optional<bool> written_;
};

}  // namespace skulink::simulator
