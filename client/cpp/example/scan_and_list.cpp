// Scans a channel, then lists what it sells that the POS does not know.
//
//   scan_and_list SERVER MERCHANT CHANNEL        scan_and_list 127.0.0.1:50051 default shopee
#include <skulink/client.h>
#include <skulink/errors.h>
#include <skulink/names.h>

#include <iostream>

namespace {

int Fail(const absl::Status& status) {
  std::cerr << status.message() << " (" << skulink::ReasonName(skulink::ReasonOf(status)) << ")\n";
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: scan_and_list SERVER MERCHANT CHANNEL\n";
    return 2;
  }
  const std::string channel = skulink::ToString(skulink::ChannelName{argv[2], argv[3]});

  absl::StatusOr<skulink::Client> client = skulink::Client::Connect({.server = argv[1]});
  if (!client.ok()) return Fail(client.status());

  const absl::StatusOr<skulink::v1::Job> job = client->Scan(channel, [](const skulink::v1::Job& state) {
    std::cerr << state.progress().listings_seen() << " listings seen\n";
  });
  if (!job.ok()) return Fail(job.status());
  if (job->state() != skulink::v1::JOB_STATE_SUCCEEDED) {
    std::cerr << "the scan ended " << skulink::v1::JobState_Name(job->state()) << "\n";
    return 1;
  }

  skulink::v1::ListNotInPosRequest request;
  request.set_parent(skulink::ToString(skulink::MerchantName{argv[2]}));
  request.add_channels(channel);
  skulink::Pages<skulink::v1::Listing> listings = client->ListNotInPos(request);
  for (const skulink::v1::Listing& listing : listings) {
    std::cout << listing.listing_id() << '\t' << listing.seller_sku() << '\t' << listing.display_name()
              << '\n';
  }
  return listings.status().ok() ? 0 : Fail(listings.status());
}
