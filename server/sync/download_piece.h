#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/string_map.h"
#include "server/sellercenters/seller_center.h"
#include "server/store/catalog_edit.h"
#include "server/store/listings.h"
#include "server/store/planned_variants.h"
#include "server/store/transfer_plan.h"
#include "server/sync/transfer_job.h"

namespace skulink {

// What the Seller Center says of some items.
class DownloadedItems {
 public:
  struct Entry {
    Listing listing;
    FoundItems::Texts texts;
  };

  // Not in the header: where GCC 12 inlines them, it warns that the empty table is freed.
  DownloadedItems();
  ~DownloadedItems();
  DownloadedItems(DownloadedItems&&) noexcept;
  DownloadedItems& operator=(DownloadedItems&&) noexcept;

  // A listing that came before, with another item, is as it is now. Prices without currency are in this one.
  void Add(FoundItems found, const std::string& currency);
  // It could not be read.
  void AddFailed(const std::string& item_id, absl::Status why);
  const std::vector<Entry>& entries() const { return entries_; }
  // Those of an item, in the order of their ids.
  std::vector<const Entry*> OfItem(std::string_view item_id) const;
  // Null when there is none.
  const Entry* Find(std::string_view listing_id) const;
  const absl::Status* FindRefused(std::string_view listing_id) const;
  const absl::Status* FindFailed(std::string_view item_id) const;

 private:
  std::vector<Entry> entries_;
  StringMap<std::size_t> by_id_;
  mutable StringMap<std::vector<std::size_t>> by_item_;  // made when it is asked for
  StringMap<absl::Status> refused_;                      // by listing id
  StringMap<absl::Status> failed_;                       // by item id
};

// What differs from what the store has of these listings.
store::ListingChanges ChangesOf(store::Session& session, std::int64_t merchant_number, int channel,
                                const DownloadedItems& items);
// Parts of changes, each for a transaction.
std::vector<store::ListingChanges> PartsOf(store::ListingChanges changes, std::size_t listings);

// Makes products of some items, within one transaction: in a CatalogEdit, which is written or, in a dry run,
// thrown away.
class DownloadPiece {
 public:
  struct Options {
    std::string channel_id;
    bool with_stock = false;
  };
  DownloadPiece(store::Session& session, const store::Merchant& merchant, const store::JobRecord& job,
                const DownloadedItems& items, const Options& options)
      : session_(session),
        merchant_(merchant),
        job_(job),
        items_(items),
        options_(options),
        edit_(session, merchant) {}

  // `changed`: ids of listings that the store did not know so. Of those that came into Not In POS since the
  // plan was made takes as many as `rows` leaves room for, planned ones included; the next download takes the
  // others.
  void Decide(std::span<const store::TransferGroup> groups, const StringSet& changed, std::size_t rows);
  void Write();
  // Instead: what a successor of a dry run needs to know.
  void WritePlanned();

  const std::vector<v1::JobItem>& report() const { return report_; }
  std::int64_t products_created() const { return products_created_; }

 private:
  // An item as it is dealt with.
  struct Item {
    std::string id;
    std::vector<const DownloadedItems::Entry*> listings;
    store::CatalogEdit::EditedProduct* product = nullptr;  // that gets the variants; null: not known yet
  };

  void Load(std::span<const store::TransferGroup> groups);
  void DecideItem(const store::TransferGroup& group, const StringSet& changed, std::size_t& room);
  v1::JobItem DecideRow(const store::TransferGroup::Row& row, Item& item);
  v1::JobItem Create(const DownloadedItems::Entry& entry, const std::string& sku_key, Item& item);
  // The product that has listings of the item already, or was made of it before; null: there is none.
  store::CatalogEdit::EditedProduct* FindProduct(const Item& item);
  store::CatalogEdit::EditedProduct& Make(const std::string& product_id, const std::string& name);
  const std::string& KeyOf(const DownloadedItems::Entry& entry);
  std::string NameOf(const std::string& product_id, const std::string& variant_id) const;

  store::Session& session_;
  const store::Merchant& merchant_;
  const store::JobRecord& job_;
  const DownloadedItems& items_;
  const Options& options_;
  store::CatalogEdit edit_;
  StringMap<std::int64_t>
      made_;  // product ids that have no number yet, with the order in which they were made
  StringMap<std::string> sku_keys_;  // by listing id
  std::vector<store::PlannedVariant> planned_;
  std::vector<v1::JobItem> report_;
  std::int64_t products_created_ = 0;
};

// Of the product that is made of an item: running again finds it. An id that is too long for that is hashed.
std::string DownloadedProductId(std::string_view channel_id, std::string_view item_id);

}  // namespace skulink
