#pragma once

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
    int page = 0;  // sent so far
    ListingBook::Position position = 0;
  };
  using Lock = std::unique_lock<std::mutex>;

  PageStream(SimulatedSellerCenter& center, grpc::CallbackServerContext& context)
      : center_(center), context_(context) {}

  grpc::Status Serve(const grpc::ByteBuffer& request);
  grpc::Status Resume(const std::string& token, Mark& mark) const;
  static std::string TokenOf(const Mark& mark);
  // Waits for the gate and the latency. False when the call is over.
  bool WaitForTurn(Lock& lock, int page);
  // Page mark.page + 1; `mark` is then after it.
  grpc::ByteBuffer MakePage(std::optional<FaultKind> fault, Mark& mark, bool& last);
  // False when the call is over.
  bool Send(Lock& lock, const grpc::ByteBuffer& page, bool cut);
  bool Over() const { return cancelled_ || center_.stopping_; }

  SimulatedSellerCenter& center_;
  grpc::CallbackServerContext& context_;
  int page_size_ = 0;
  // Under the center's lock.
  bool cancelled_ = false;
  std::optional<bool> written_;
};

}  // namespace skulink::simulator
