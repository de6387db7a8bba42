// The order that gRPC makes by counting: what is done for a call, and its OnCancel, comes before its OnDone;
// and each OnDone comes before the end of the server's Shutdown.

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
  // What others have done for the call before they counted themselves out; the last may have done so in the
  // library.
  __tsan_acquire(&callbacks_outstanding_);
  schedule_on_done(this, inline_ondone);
}

void grpc::Server::UnrefWithPossibleNotify() {
  static const auto unref = InLibrary<void(Server*)>("_ZN4grpc6Server23UnrefWithPossibleNotifyEv");
  __tsan_release(this);
  unref(this);
}

void grpc::Server::UnrefAndWaitLocked() {
  static const auto unref_and_wait = InLibrary<void(Server*)>("_ZN4grpc6Server18UnrefAndWaitLockedEv");
  unref_and_wait(this);
  __tsan_acquire(this);
}
