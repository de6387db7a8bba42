#include "tests/seller_center_simulator/page_stream.h"

#include <cstdio>
#include <iterator>
#include <thread>

#include "grpcpp/support/proto_buffer_reader.h"
#include "tests/seller_center_simulator/cut_connection.h"

namespace skulink::simulator {
namespace {

template <typename Message>
bool Parse(grpc::ByteBuffer bytes, Message& message) {
  grpc::ProtoBufferReader reader(&bytes);
  return reader.status().ok() && message.ParseFromZeroCopyStream(&reader);
}

}  // namespace

SimulatedSellerCenter::PageStream* SimulatedSellerCenter::PageStream::Start(
    SimulatedSellerCenter& center, grpc::CallbackServerContext& context, const grpc::ByteBuffer& request) {
  auto* stream = new PageStream(center, context);
  {
    Lock lock(center.mutex_);
    ++center.streams_;
    ++center.books_.list_listings_calls;
  }
  // The last thing it does with the stream is Finish, after which the stream may be gone.
  std::thread([stream, &center, request] {
    stream->Finish(stream->Serve(request));
    Lock lock(center.mutex_);
    --center.streams_;
    center.changed_.notify_all();
  }).detach();
  return stream;
}

void SimulatedSellerCenter::PageStream::OnWriteDone(bool ok) {
  Lock lock(center_.mutex_);
  written_ = ok;
  center_.changed_.notify_all();
}

void SimulatedSellerCenter::PageStream::OnCancel() {
  Lock lock(center_.mutex_);
  cancelled_ = true;
  center_.changed_.notify_all();
}

grpc::Status SimulatedSellerCenter::PageStream::Serve(const grpc::ByteBuffer& bytes) {
  sellercenter::v1::ListListingsRequest request;
  if (!Parse(bytes, request)) return {grpc::StatusCode::INVALID_ARGUMENT, "the request cannot be parsed"};
  page_size_ = request.page_size();
  if (page_size_ < 1 || page_size_ > center_.options_.max_page_size) {
    return {grpc::StatusCode::INVALID_ARGUMENT,
            "page_size must be 1 to " + std::to_string(center_.options_.max_page_size)};
  }
  Lock lock(center_.mutex_);
  Mark mark;
  if (grpc::Status status = Resume(request.resume_token(), mark); !status.ok()) return status;

  for (bool last = false; !last;) {
    if (!WaitForTurn(lock, mark.page + 1)) return {grpc::StatusCode::CANCELLED, ""};
    std::optional<FaultKind> fault = center_.TakeFault(FaultyCall::kListListings, mark.page + 1);
    if (fault == FaultKind::kEarlyEnd) return grpc::Status::OK;
    if (fault && !StatusOf(*fault).ok()) return StatusOf(*fault);
    if (fault == FaultKind::kHang) {
      center_.changed_.wait(lock, [this] { return Over(); });
      return {grpc::StatusCode::CANCELLED, ""};
    }
    Mark before = mark;
    grpc::ByteBuffer page = MakePage(fault, mark, last);
    if (!Send(lock, page, fault == FaultKind::kConnectionCut)) return {grpc::StatusCode::CANCELLED, ""};
    if (fault == FaultKind::kRepeatedToken) mark = before;
  }
  return grpc::Status::OK;
}

grpc::Status SimulatedSellerCenter::PageStream::Resume(const std::string& token, Mark& mark) const {
  mark.position = center_.listings_.Start();
  if (token.empty()) return grpc::Status::OK;
  long long position = 0;
  bool read = std::sscanf(token.c_str(), "page-%d-at-%lld", &mark.page, &position) == 2;
  mark.position = position;
  if (!read || token != TokenOf(mark) || mark.page < 1 || !center_.listings_.Has(mark.position)) {
    return {grpc::StatusCode::INVALID_ARGUMENT, "resume_token is not one of this shop"};
  }
  return grpc::Status::OK;
}

std::string SimulatedSellerCenter::PageStream::TokenOf(const Mark& mark) {
  return "page-" + std::to_string(mark.page) + "-at-" + std::to_string(mark.position);
}

bool SimulatedSellerCenter::PageStream::WaitForTurn(Lock& lock, int page) {
  auto open = [&] { return Over() || !center_.hold_at_page_ || page < *center_.hold_at_page_; };
  if (!open()) {
    ++center_.held_;
    center_.changed_.notify_all();
    center_.changed_.wait(lock, open);
    --center_.held_;
  }
  if (center_.options_.latency.count() > 0) {
    center_.changed_.wait_for(lock, center_.options_.latency, [this] { return Over(); });
  }
  return !Over();
}

grpc::ByteBuffer SimulatedSellerCenter::PageStream::MakePage(std::optional<FaultKind> fault, Mark& mark,
                                                             bool& last) {
  if (fault == FaultKind::kMovedListing) center_.listings_.MoveLastToFront();
  if (fault == FaultKind::kListingOnTwoPages) center_.listings_.MoveFirstToEnd();
  ListingBook::Page page = center_.listings_.After(mark.position, page_size_);
  mark = {.page = mark.page + 1, .position = page.end};
  last = page.last;

  // What follows the listings. Parts of a message, one after the other, are the message.
  sellercenter::v1::ListListingsResponse rest;
  if (!last || fault == FaultKind::kRepeatedToken) rest.set_resume_token(TokenOf(mark));
  rest.set_listing_count(center_.listings_.size());
  page.listings.emplace_back(rest.SerializeAsString());
  grpc::ByteBuffer bytes(page.listings.data(), page.listings.size());

  if (!fault) return bytes;
  last = (last && fault != FaultKind::kRepeatedToken) || fault == FaultKind::kEarlyComplete ||
         fault == FaultKind::kEmptyShop;
  sellercenter::v1::ListListingsResponse message;
  Parse(bytes, message);
  return Spoil(*fault, std::move(message), page_size_);
}

bool SimulatedSellerCenter::PageStream::Send(Lock& lock, const grpc::ByteBuffer& page, bool cut) {
  written_.reset();
  lock.unlock();
  StartWrite(&page);
  if (cut) CutConnection(context_.peer());
  lock.lock();
  // Also when the call is over: gRPC uses the page until it says so.
  center_.changed_.wait(lock, [this] { return written_.has_value(); });
  if (*written_) ++center_.books_.pages_sent;
  return *written_ && !cut;
}

}  // namespace skulink::simulator
