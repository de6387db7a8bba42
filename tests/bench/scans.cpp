#include <iostream>
#include <stdexcept>

#include "grpcpp/create_channel.h"
#include "server/store/session.h"
#include "skulink/client.h"
#include "skulink/sellercenter/v1/seller_center_service.grpc.pb.h"
#include "tests/bench/bench.h"
#include "tests/bench/database.h"

namespace skulink::bench {
namespace {

// As many rows as a transaction of the scan has.
constexpr std::int64_t kRowsAtOnce = 3000;

constexpr char kColumns[] =
    "merchant_no, channel_no, listing_id, item_id, seller_sku, sku_key, state, in_pos, name, name_key, "
    "price, "
    "currency, stock, gtin, fingerprint";

std::vector<store::RowBatch> ReadRows(store::Session& session, int channel_number,
                                      std::int64_t rows_at_once) {
  std::vector<store::RowBatch> batches;
  session.Stream(std::string("SELECT ") + kColumns + " FROM skulink.listing WHERE channel_no = ?",
                 {channel_number}, [&](const store::Row& row) {
                   if (batches.empty() || batches.back().rows() == rows_at_once)
                     batches.emplace_back("listing", kColumns);
                   for (int column = 0; column < 15; ++column) {
                     if (row.IsNull(column)) {
                       batches.back().AddNull();
                     } else {
                       batches.back().Add(row.Text(column));
                     }
                   }
                   batches.back().EndRow();
                 });
  return batches;
}

double LoadSeconds(store::Session& session, const std::vector<store::RowBatch>& batches) {
  session.Execute("CREATE TABLE listing LIKE skulink.listing");
  const double start = Now();
  for (const store::RowBatch& batch : batches) {
    session.Execute("START TRANSACTION");
    session.Load(batch);
    session.Execute("COMMIT");
  }
  const double seconds = Now() - start;
  session.Execute("DROP TABLE listing");
  return seconds;
}

}  // namespace

void MeasureScan(const std::string& server, const std::string& channel_id, const std::string& endpoint) {
  absl::StatusOr<Client> client = Client::Connect({.server = server});
  if (!client.ok()) throw std::runtime_error(client.status().ToString());
  v1::Channel channel;
  channel.set_name("merchants/default/channels/" + channel_id);
  channel.set_endpoint(endpoint);
  absl::StatusOr<v1::Channel> ready = client->UpdateChannel(channel, {"endpoint"});
  if (absl::IsNotFound(ready.status()))
    ready = client->CreateChannel("merchants/default", channel_id, channel);
  if (!ready.ok()) throw std::runtime_error(ready.status().ToString());
  const double start = Now();
  const absl::StatusOr<v1::Job> job = client->Scan(channel.name());
  const double seconds = Now() - start;
  if (!job.ok()) throw std::runtime_error(job.status().ToString());
  if (job->state() != v1::JOB_STATE_SUCCEEDED) throw std::runtime_error(job->DebugString());
  const v1::ScanProgress& progress = job->progress();
  std::cout << "seconds " << seconds << "\nlistings " << progress.listings_seen() << "\ncreated "
            << progress.created() << "\nupdated " << progress.updated() << "\nremoved " << progress.removed()
            << std::endl;
}

void MeasureDrain(const std::string& endpoint) {
  const std::string target = endpoint.substr(endpoint.find("://") + 3);
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(16 << 20);
  const auto stub = sellercenter::v1::SellerCenterService::NewStub(
      grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments));
  const double start = Now();
  grpc::ClientContext context;
  sellercenter::v1::ListListingsRequest request;
  request.set_page_size(1000);
  const auto reader = stub->ListListings(&context, request);
  sellercenter::v1::ListListingsResponse page;
  std::int64_t listings = 0;
  while (reader->Read(&page)) listings += page.listings_size();
  const grpc::Status status = reader->Finish();
  if (!status.ok()) throw std::runtime_error(status.error_message());
  std::cout << "seconds " << Now() - start << "\nlistings " << listings << std::endl;
}

void MeasureLoad(const std::string& socket, int channel_number) {
  store::Session session(ConnectString(socket, "skulink"));
  session.Execute("CREATE DATABASE IF NOT EXISTS skulink_bench");
  session.Execute("USE skulink_bench");
  session.Execute("DROP TABLE IF EXISTS listing");
  const std::vector<store::RowBatch> batches = ReadRows(session, channel_number, kRowsAtOnce);
  std::int64_t rows = 0;
  for (const store::RowBatch& batch : batches) rows += batch.rows();
  std::cout << "rows " << rows << "\nseconds " << LoadSeconds(session, batches) << std::endl;
  std::cout << "seconds_in_one " << LoadSeconds(session, ReadRows(session, channel_number, rows))
            << std::endl;
}

void CountWrites(const std::string& socket) {
  store::Session session(ConnectString(socket, "skulink"));
  std::int64_t rows = 0;
  session.Query(
      "SELECT rows_changed FROM information_schema.table_statistics "
      "WHERE table_schema = 'skulink' AND table_name = 'listing'",
      {}, [&](const store::Row& row) { rows = row.Int(0); });
  std::cout << "rows " << rows << std::endl;
  session.Execute("SET GLOBAL userstat = 1");
  session.Execute("FLUSH TABLE_STATISTICS");
}

}  // namespace skulink::bench
