#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "server/sellercenters/seller_center.h"
#include "skulink/v1/inventory_service.pb.h"
#include "skulink/v1/sync_service.pb.h"
#include "tests/integration/menu_model.h"
#include "tests/seller_center_simulator/fault.h"
#include "tests/seller_center_simulator/shop_options.h"

namespace skulink {

// The rules of scans, downloads, uploads and pushes (design rules 6 to 8) on top of those of the menu: what
// is at each Seller Center, and what becomes of both sides when something is done, also when the Seller
// Center fails. `channels` has what Skulink knows of a shop, which may be less than what is there.
class BothDirectionsModel : public MenuModel {
 public:
  // A listing as the Seller Center has it.
  struct Offer {
    Listing listing;  // of one that was removed, as it was, and DELETED
    std::string item_title, option;
    bool removed = false;
    absl::Time changed;
  };
  // What was asked for, and whether the shop made it.
  struct Creation {
    std::int64_t product = 0;
    ItemCreation content;  // without its key
    bool made = false;
    std::vector<Listing> listings;  // as they were answered
    WriteResult result = WriteResult::kOk;
    bool answered = false;
    int upload = 0;  // that asked for it first
  };
  // The newest value that was sent, or was there already.
  struct Sent {
    std::int64_t value = 0;
    v1::PushOutcome outcome = v1::PUSH_OUTCOME_APPLIED;
    std::string variant;
  };
  using Faults = std::map<simulator::FaultyCall, std::deque<simulator::Fault>>;

  struct SellerCenter {
    simulator::ShopOptions options;
    std::map<std::string, Offer> offers;
    std::vector<std::string> order;  // in which they are listed
    int last_id = 0;                 // that it gave
    // What it is about to do wrong.
    Faults faults;
    int faults_met = 0;
    std::map<std::string, WriteResult> refused_skus;  // of creations, once each
    std::set<std::string> refused_stocks;             // listings whose next stock it refuses, for its value
    // What Skulink keeps of it.
    std::optional<absl::Time> known_until;
    std::set<std::string> seen_by_scan;  // that needs confirmation
    int uploads = 0;
    std::vector<Creation> unanswered;                               // in the order of uploads and products
    std::map<std::int64_t, std::map<int, std::string>> items_made;  // by product and upload
    std::map<std::pair<std::string, v1::PushKind>, Sent> sent;
    // Since the last Settle.
    std::set<std::string> seen_live;
    bool plan_all = false;
  };
  std::map<std::string, SellerCenter> seller_centers;  // by channel
  absl::Time now;                                      // by the clock of the Seller Centers

  // Changes at the Seller Center, of which Skulink is not told.
  void Put(SellerCenter& center, Offer offer);
  void Remove(SellerCenter& center, const std::string& listing_id);

  // How a job ends, and what it reports of each listing or variant.
  struct JobEnd {
    v1::JobState state = v1::JOB_STATE_SUCCEEDED;
    std::vector<std::string> report;
  };
  JobEnd FullScan(const std::string& channel);
  JobEnd UpdatedScan(const std::string& channel);
  JobEnd ItemScan(const std::string& channel, const std::vector<std::string>& items);
  JobEnd Confirm(const std::string& channel);

  struct DownloadWhat {
    bool all = false;
    std::set<std::string> listings, items;
    bool with_stock = false, dry_run = false;
  };
  JobEnd Download(const std::string& channel, const DownloadWhat& what);
  struct UploadWhat {
    bool all = false;
    std::set<std::string> products;
    std::set<std::pair<std::string, std::string>> variants;
    bool dry_run = false;
  };
  JobEnd Upload(const std::string& channel, const UploadWhat& what);

  // After each change: what is to be sent is sent.
  void Settle();
  // Products that have none yet get their numbers.
  void NumberProducts();

 private:
  std::int64_t last_product_ = 0;

  using Kept = std::map<std::string, Listing>;
  using Found = std::vector<const Offer*>;

  // One call, tried again as often as the Seller Center fails for a while. False: it does not let us in.
  // `write` is what it does, and may do with its answer lost.
  static bool Call(
      SellerCenter& center, simulator::FaultyCall call, const std::function<void()>& write = [] {});
  static std::optional<simulator::FaultKind> PageFault(SellerCenter& center, int pages, int& page);
  void Learn(const std::string& channel, const Offer& offer);
  // What the shop has of these items; nullopt when it does not let us in.
  static std::optional<Found> GetItems(SellerCenter& center, const std::vector<std::string>& items);

  // Of a FULL scan.
  struct Seen {
    std::set<std::string> ids;
    std::string unreadable;  // one of these
    int expected = 0;
    int live_before = 0;
  };
  bool LookUpUnseen(const std::string& channel, std::set<std::string>& seen);
  bool IsDoubtful(const std::string& channel, const Seen& seen, bool& only_early) const;
  JobEnd RemoveUnseen(const std::string& channel, std::set<std::string> seen);

  std::string DownloadRow(const std::string& channel, const std::string& item, const Found& found,
                          const std::string& listing_id, bool linked, bool with_stock,
                          std::string& product_id);
  std::string ProductOf(const std::string& channel, const std::string& item, const Found& found) const;

  // A variant of an upload and what is said of it.
  struct UploadRow {
    const store::Product* product;
    const store::Variant* variant;
    std::string text;
  };
  struct UploadGroup {
    std::vector<UploadRow> rows;
    std::optional<Creation> creation;
    std::vector<std::size_t> places;  // in `rows`, of the creation's listings
  };
  static void Report(const UploadWhat& what, UploadGroup& group, JobEnd& end);
  std::vector<UploadGroup> PlanUpload(const std::string& channel, const UploadWhat& what) const;
  // The SKU keys that were made, by product; nullopt when the Seller Center does not let us in.
  using MadeKeys = std::map<std::int64_t, std::set<std::string>>;
  std::optional<MadeKeys> AskAgain(const std::string& channel);
  bool IsWanted(const Creation& creation) const;
  bool ReadAnswered(const std::string& channel, const std::vector<Creation*>& asked);
  // The item in which a scan found all that was asked for; empty: none.
  std::string ItemFound(const std::string& channel, const Creation& creation) const;
  const Listing* ListingOf(const std::string& channel, const std::string& sku) const;
  std::string ItemOf(const std::string& channel, const store::Product& product) const;
  void Decide(const std::string& channel, const std::set<std::string>& made_by_job, UploadGroup& group) const;
  bool Ask(SellerCenter& center, std::vector<Creation*> creations, bool firm);
  void Make(SellerCenter& center, Creation& creation, bool firm);
  void Take(const std::string& channel, const Creation& creation);

  struct Owner {
    const store::Product* product;
    const store::Variant* variant;
  };
  void Settle(const std::string& channel, const std::map<std::string, Owner>& owners);
  v1::PushOutcome Send(SellerCenter& center, Listing& known, v1::PushKind kind, std::int64_t value);
};

}  // namespace skulink
