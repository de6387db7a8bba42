#include <gmock/gmock.h>

#include <atomic>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "tests/integration/client_fake_server.h"

// What the client sends to start downloads and uploads.
namespace skulink {
namespace {

using testing::SizeIs;

constexpr char kChannel[] = "merchants/toko/channels/shopee";
constexpr char kJob[] = "merchants/toko/jobs/1";

// Requests that arrived, each in whichever thread of the server.
template <typename Request>
class Received {
 public:
  // Returns how many there are.
  std::size_t Add(const Request& request) {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
    return requests_.size();
  }
  std::vector<Request> all() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Request> requests_;
};

// The same call three times, each of which meets two servers that are gone before one answers: `requests` is
// what arrived, try by try. A try says the same as the first one, and another call has another request_id.
template <typename Request>
void ExpectRequestIdsKept(const std::vector<Request>& requests) {
  ASSERT_THAT(requests, SizeIs(9));
  std::set<std::string> ids;
  for (std::size_t call = 0; call < requests.size(); call += 3) {
    EXPECT_THAT(requests[call].request_id(), SizeIs(36));
    ids.insert(requests[call].request_id());
    for (std::size_t one = call; one < call + 3; ++one) {
      EXPECT_EQ(requests[one].SerializeAsString(), requests[call].SerializeAsString()) << "try " << one;
    }
  }
  EXPECT_THAT(ids, SizeIs(3));
}

TEST(ClientTransfers, ADownloadThatIsTriedAgainKeepsItsRequestId) {
  FakeServer server;
  Received<v1::StartDownloadRequest> requests;
  server.sync.download = [&](const v1::StartDownloadRequest& request, v1::StartDownloadResponse& response) {
    if (requests.Add(request) % 3 != 0) return ServerIsGone();
    response.mutable_job()->set_name(kJob);
    return absl::OkStatus();
  };
  server.Start();
  Client client = server.Connect();

  for (int i = 0; i < 3; ++i) {
    const auto job = client.StartDownload(kChannel, {.all = true});
    ASSERT_TRUE(job.ok()) << job.status();
    EXPECT_EQ(job->name(), kJob);
  }

  ExpectRequestIdsKept(requests.all());
}

TEST(ClientTransfers, AnUploadThatIsTriedAgainKeepsItsRequestId) {
  FakeServer server;
  Received<v1::StartUploadRequest> requests;
  server.sync.upload = [&](const v1::StartUploadRequest& request, v1::StartUploadResponse& response) {
    if (requests.Add(request) % 3 != 0) return ServerIsGone();
    response.mutable_job()->set_name(kJob);
    return absl::OkStatus();
  };
  server.Start();
  Client client = server.Connect();

  for (int i = 0; i < 3; ++i) {
    const auto job = client.StartUpload(kChannel, {.all = true});
    ASSERT_TRUE(job.ok()) << job.status();
    EXPECT_EQ(job->name(), kJob);
  }

  ExpectRequestIdsKept(requests.all());
}

// All that a download can be told, one thing at a time and all at once: fields must not take each other's
// place.
TEST(ClientTransfers, ADownloadSaysAllThatWasSelected) {
  FakeServer server;
  Received<v1::StartDownloadRequest> requests;
  server.sync.download = [&](v1::StartDownloadRequest request, v1::StartDownloadResponse&) {
    request.clear_request_id();
    requests.Add(request);
    return absl::OkStatus();
  };
  server.Start();
  Client client = server.Connect();
  const auto start = [&](const DownloadSelection& selection, const std::string& fields) {
    ASSERT_TRUE(client.StartDownload(kChannel, selection).ok());
    EXPECT_EQ(requests.all().back().ShortDebugString(),
              "channel: \"merchants/toko/channels/shopee\"" + (fields.empty() ? "" : " " + fields));
  };

  start({}, "");
  start({.all = true}, "all: true");
  start({.listings = {"l2", "l1"}}, R"(listings: "l2" listings: "l1")");
  start({.item_ids = {"i2", "i1"}}, R"(item_ids: "i2" item_ids: "i1")");
  start({.with_stock = true}, "with_stock: true");
  start({.validate_only = true}, "validate_only: true");
  start({.all = true, .listings = {"l"}, .item_ids = {"i"}, .with_stock = true, .validate_only = true},
        R"(listings: "l" item_ids: "i" all: true with_stock: true validate_only: true)");
}

TEST(ClientTransfers, AnUploadSaysAllThatWasSelected) {
  FakeServer server;
  Received<v1::StartUploadRequest> requests;
  server.sync.upload = [&](v1::StartUploadRequest request, v1::StartUploadResponse&) {
    request.clear_request_id();
    requests.Add(request);
    return absl::OkStatus();
  };
  server.Start();
  Client client = server.Connect();
  const auto start = [&](const UploadSelection& selection, const std::string& fields) {
    ASSERT_TRUE(client.StartUpload(kChannel, selection).ok());
    EXPECT_EQ(requests.all().back().ShortDebugString(),
              "channel: \"merchants/toko/channels/shopee\"" + (fields.empty() ? "" : " " + fields));
  };

  start({}, "");
  start({.all = true}, "all: true");
  start({.products = {"p2", "p1"}}, R"(products: "p2" products: "p1")");
  start({.variants = {"v2", "v1"}}, R"(variants: "v2" variants: "v1")");
  start({.validate_only = true}, "validate_only: true");
  start({.all = true, .products = {"p"}, .variants = {"v"}, .validate_only = true},
        R"(products: "p" variants: "v" all: true validate_only: true)");
}

TEST(ClientTransfers, ARefusalIsNotTriedAgain) {
  FakeServer server;
  std::atomic<int> calls = 0;
  server.sync.upload = [&](const v1::StartUploadRequest&, v1::StartUploadResponse&) {
    ++calls;
    return InvalidField("products", v1::ERROR_REASON_FIELD_REQUIRED, "is required");
  };
  server.Start();

  EXPECT_EQ(FieldOf(server.Connect().StartUpload(kChannel, {}).status()), "products");
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace skulink
