// The order that gRPC makes between the cancellation of a call and its end, which its library counts:
// OnCancel comes before OnDone.

#include <grpcpp/grpcpp.h>

#include "tests/tsan/library.h"

using grpc::internal::ServerCallbackCall;
using grpc::internal::ServerReactor;
using skulink::tsan::InLibrary;

namespace {

// Stands in for a reactor while its call is cancelled: gRPC's executor calls it, and then counts that as
// done.
class Cancellation final : public ServerReactor {
 public:
  Cancellation(ServerCallbackCall* call, ServerReactor* reactor) : call_(call), reactor_(reactor) {
    __tsan_release(this);
  }

 private:
  void OnCancel() override {
    __tsan_acquire(this);
    reactor_->OnCancel();
    __tsan_release(call_);
    delete this;
  }
  void OnDone() override {}

  ServerCallbackCall* const call_;
  ServerReactor* const reactor_;
};

}  // namespace

void ServerCallbackCall::CallOnCancel(ServerReactor* reactor) {
  static const auto call_on_cancel = InLibrary<void(ServerCallbackCall*, ServerReactor*)>(
      "_ZN4grpc8internal18ServerCallbackCall12CallOnCancelEPNS0_13ServerReactorE");
  call_on_cancel(this, new Cancellation(this, reactor));
}

void ServerCallbackCall::ScheduleOnDone(bool inline_ondone) {
  static const auto schedule_on_done =
      InLibrary<void(ServerCallbackCall*, bool)>("_ZN4grpc8internal18ServerCallbackCall14ScheduleOnDoneEb");
  __tsan_acquire(this);
  schedule_on_done(this, inline_ondone);
}
