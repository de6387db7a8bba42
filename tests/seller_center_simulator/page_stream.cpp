#include "tests/seller_center_simulator/page_stream.h"

#include <algorithm>
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
  Lock lock(center_.mutex_);
  if (grpc::Status status = Check(request); !status.ok()) return status;
  Mark mark;
  if (grpc::Status status = Resume(request.resume_token(), mark); !status.ok()) return status;
  return ServePages(lock, mark);
}

grpc::Status SimulatedSellerCenter::PageStream::Check(const sellercenter::v1::ListListingsRequest& request) {
  Shop& shop = center_.shop_;
  page_size_ = request.page_size();
  if (page_size_ < 1 || page_size_ > center_.options_.max_page_size) {
    return shop.Violation("page_size must be 1 to " + std::to_string(center_.options_.max_page_size));
  }
  max_pages_ = request.max_pages();
  if (max_pages_ < 0) return shop.Violation("max_pages is below 0");
  if (!request.has_updated_since()) return grpc::Status::OK;
  if (!center_.options_.tells_time) return shop.Violation("updated_since is nothing that this shop knows");
  updated_since_ = absl::FromUnixSeconds(request.updated_since().seconds()) +
                   absl::Nanoseconds(request.updated_since().nanos());
  updated_ = shop.CountUpdatedAfter(UpdateLog::Since(*updated_since_));
  return grpc::Status::OK;
}

grpc::Status SimulatedSellerCenter::PageStream::ServePages(Lock& lock, Mark mark) {
  int sent = 0;
  for (bool last = false; !last && (max_pages_ == 0 || sent < max_pages_); ++sent) {
    if (!WaitForTurn(lock, mark.page + 1)) return {grpc::StatusCode::CANCELLED, ""};
    if (grpc::Status status = center_.TakeRequest(); !status.ok()) return status;
    std::optional<FaultKind> fault = center_.TakeFault(FaultyCall::kListListings, mark.page + 1);
    if (fault == FaultKind::kEarlyEnd) return grpc::Status::OK;
    if (fault && !StatusOf(*fault).ok()) return StatusOf(*fault, center_.options_.throttle_delay);
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
  mark.position = center_.shop_.listings().Start();
  if (updated_since_) mark.updated = UpdateLog::Since(*updated_since_);
  if (token.empty()) return grpc::Status::OK;
  if (!ReadToken(token, mark) || token != TokenOf(mark) || mark.page < 1) {
    return center_.shop_.Violation("resume_token is not one of this listing");
  }
  return grpc::Status::OK;
}

bool SimulatedSellerCenter::PageStream::ReadToken(const std::string& token, Mark& mark) const {
  long long first = 0, second = 0, third = 0;
  if (!updated_since_) {
    if (std::sscanf(token.c_str(), "page-%d-at-%lld", &mark.page, &first) != 2) return false;
    mark.position = first;
    return center_.shop_.listings().Has(mark.position);
  }
  const std::string form = "updated-since-" + std::to_string(absl::ToUnixNanos(*updated_since_)) +
                           "-page-%d-after-%lld-at-%lld-%lld";
  if (std::sscanf(token.c_str(), form.c_str(), &mark.page, &first, &second, &third) != 4) return false;
  mark.listings = first;
  mark.updated = {absl::FromUnixNanos(second), third};
  return true;
}

std::string SimulatedSellerCenter::PageStream::TokenOf(const Mark& mark) const {
  const std::string page = "page-" + std::to_string(mark.page);
  if (!updated_since_) return page + "-at-" + std::to_string(mark.position);
  return "updated-since-" + std::to_string(absl::ToUnixNanos(*updated_since_)) + "-" + page + "-after-" +
         std::to_string(mark.listings) + "-at-" + std::to_string(absl::ToUnixNanos(mark.updated.time)) + "-" +
         std::to_string(mark.updated.number);
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
  ListingBook& listings = center_.shop_.listings();
  if (fault == FaultKind::kMovedListing) listings.MoveLastToFront();
  if (fault == FaultKind::kListingOnTwoPages) listings.MoveFirstToEnd();
  grpc::ByteBuffer bytes =
      updated_since_ ? MakeUpdatedPage(fault, mark, last) : MakeFullPage(fault, mark, last);
  if (!fault) return bytes;
  last = (last && fault != FaultKind::kRepeatedToken) || fault == FaultKind::kEarlyComplete ||
         fault == FaultKind::kEmptyShop;
  sellercenter::v1::ListListingsResponse message;
  Parse(bytes, message);
  return Spoil(*fault, std::move(message), page_size_);
}

grpc::ByteBuffer SimulatedSellerCenter::PageStream::MakeFullPage(const std::optional<FaultKind>& fault,
                                                                 Mark& mark, bool& last) {
  const ListingBook& listings = center_.shop_.listings();
  ListingBook::Page page = listings.After(mark.position, page_size_);
  mark = {.page = mark.page + 1, .position = page.end};
  last = page.last;

  // What follows the listings. Parts of a message, one after the other, are the message.
  sellercenter::v1::ListListingsResponse rest;
  if (!last || fault == FaultKind::kRepeatedToken) rest.set_resume_token(TokenOf(mark));
  rest.set_listing_count(listings.size());
  page.listings.emplace_back(rest.SerializeAsString());
  return grpc::ByteBuffer(page.listings.data(), page.listings.size());
}

grpc::ByteBuffer SimulatedSellerCenter::PageStream::MakeUpdatedPage(const std::optional<FaultKind>& fault,
                                                                    Mark& mark, bool& last) {
  sellercenter::v1::ListListingsResponse page;
  auto updated = center_.shop_.UpdatedAfter(mark.updated, page_size_ + 1);
  last = updated.size() <= static_cast<std::size_t>(page_size_);
  if (!last) updated.pop_back();  // was only to see whether there is more
  for (auto& [place, listing] : updated) {
    mark.updated = place;
    *page.add_listings() = std::move(listing);
  }
  ++mark.page;
  mark.listings += page.listings_size();
  if (!last || fault == FaultKind::kRepeatedToken) page.set_resume_token(TokenOf(mark));
  // More when listings are updated while the others are listed.
  page.set_listing_count(std::max(updated_, mark.listings));
  std::string bytes = page.SerializeAsString();
  grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
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
