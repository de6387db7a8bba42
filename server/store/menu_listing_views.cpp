// The views whose rows are listings: Not In POS, Multiple Listing.
#include <algorithm>
#include <optional>
#include <span>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/text.h"
#include "server/store/key_range.h"
#include "server/store/listings.h"
#include "server/store/menu_views.h"

namespace skulink::store {
namespace {

constexpr std::size_t kListingsOfGroup = 1000;
// Listings in a page of groups, and groups looked through for a name, at most.
constexpr std::int64_t kListingsOfPage = 5000;
constexpr int kGroupsLookedThrough = 50;

std::vector<Menu::ChannelRef> AskedFrom(const Menu& menu, const std::string& first_id) {
  std::vector<Menu::ChannelRef> channels;
  for (const Menu::ChannelRef& channel : menu.channels) {
    if ((menu.asked & BadgeOf(channel.number)) != 0 && channel.id >= first_id) channels.push_back(channel);
  }
  return channels;
}

// Of one of the menu's channels.
const std::string& ChannelId(const Menu& menu, int number) {
  return std::find_if(menu.channels.begin(), menu.channels.end(),
                      [number](const Menu::ChannelRef& channel) { return channel.number == number; })
      ->id;
}

struct ListingRange {
  int channel;
  ListingState state;
  std::string first_key, first_id;  // only rows after these
};

// Appends rows of one range, in the order of the key (SKU key, or name key when a name is asked for) and the
// id.
void ReadRange(Session& session, const Menu& menu, const MenuQuery& query, const ListingRange& range,
               std::size_t wanted, std::vector<MenuListing>& rows, std::vector<std::string>& keys) {
  const bool by_name = !query.name_prefix.empty();
  const std::string prefix =
      by_name ? NameKeyPrefix(query.name_prefix) : SkuKeyPrefix(query.sku_prefix, menu.sku_case);
  const std::string from = std::max(prefix, range.first_key), end = EndOfPrefix(prefix);
  const char* const key = by_name ? "name_key" : "sku_key";
  session.Query(absl::StrCat("SELECT ", kListingColumns, ", ", key, " FROM listing FORCE INDEX (",
                             by_name ? "by_name" : "by_sku",
                             ") WHERE merchant_no = ? AND channel_no = ? AND state = ? AND in_pos = 0 AND ",
                             key, " >= ? AND ", key, " < ? AND (", key, " > ? OR listing_id > ?) ORDER BY ",
                             key, ", listing_id LIMIT ?"),
                {menu.merchant_number, range.channel, static_cast<int>(range.state), Blob{from}, Blob{end},
                 Blob{range.first_key}, Blob{range.first_id}, static_cast<std::int64_t>(wanted)},
                [&](const Row& row) {
                  rows.push_back({range.channel, ListingFromRow(row, 0)});
                  keys.push_back(row.String(9));
                });
}

void Explain(Session& session, const Menu& menu, std::span<MenuListing> rows) {
  std::vector<UnmatchedListing> listings;
  for (const MenuListing& row : rows) {
    listings.push_back({SkuKey(row.listing.seller_sku, menu.sku_case), row.listing.gtin});
  }
  std::vector<NotInPosExplanation> explanations =
      ExplainNotInPos(session, menu.merchant_number, listings, /*with_candidates=*/true);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i].explanation = std::move(explanations[i]);
}

// What is selected of a group and one of its listings; GroupsFromRows reads it.
constexpr char kGroupColumns[] =
    "SELECT STRAIGHT_JOIN g.channel_no, g.sku_key, g.listings, p.product_id, v.variant_id, l.listing_id, "
    "l.item_id, "
    "l.name, "
    "l.seller_sku, l.state, l.price, l.currency, l.stock, l.gtin FROM multiple_listing g FORCE INDEX "
    "(PRIMARY) LEFT JOIN variant v FORCE INDEX (by_sku) ON v.merchant_no = g.merchant_no AND v.sku_key = "
    "g.sku_key LEFT JOIN product p ON p.merchant_no = v.merchant_no AND p.product_no = v.product_no ";

void AddGroupRow(std::vector<MultipleListingGroup>& groups, const Row& row) {
  const auto channel = static_cast<int>(row.Int(0));
  if (groups.empty() || groups.back().sku_key != row.Text(1) || groups.back().channel_number != channel) {
    groups.push_back({.channel_number = channel,
                      .sku_key = row.String(1),
                      .listing_count = row.Int(2),
                      .listings = {},
                      .product_id = row.String(3),
                      .variant_id = row.String(4)});
  }
  groups.back().listings.push_back(ListingFromRow(row, 5));
}

void SortListings(MultipleListingGroup& group) {
  std::sort(group.listings.begin(), group.listings.end(),
            [](const Listing& a, const Listing& b) { return a.listing_id < b.listing_id; });
}

// Channels in the order of their ids, and a key of the first of them.
struct GroupsAfter {
  std::vector<Menu::ChannelRef> channels;
  std::string key;
};

struct Groups {
  std::vector<MultipleListingGroup> groups;  // whole, but for the only one when `cut`
  bool cut = false;                          // it has more listings than were asked for
  bool all = false;                          // there are no more
};

// The next groups of the first `channels` channels, which are in the order of their numbers too, with at most
// so many listings. One statement, so that a group and its listings are of one moment. It goes along the
// first table's key and stops at the limit, which may be within a group.
Groups ReadGroups(Session& session, const Menu& menu, const MenuQuery& query, const GroupsAfter& after,
                  std::size_t channels, std::int64_t listings) {
  const std::string prefix = SkuKeyPrefix(query.sku_prefix, menu.sku_case), end = EndOfPrefix(prefix);
  std::vector<std::int64_t> whole_channels;
  for (std::size_t i = 1; i < channels; ++i) whole_channels.push_back(after.channels[i].number);
  Groups read;
  std::int64_t rows = 0;
  session.Query(absl::StrCat(kGroupColumns,
                             "JOIN listing l FORCE INDEX (by_sku) ON l.merchant_no = g.merchant_no AND "
                             "l.channel_no = g.channel_no AND l.state = 1 AND l.in_pos = (v.variant_no IS "
                             "NOT NULL) AND l.sku_key = g.sku_key WHERE g.merchant_no = ? AND "
                             "((g.channel_no = ? AND g.sku_key > ? AND g.sku_key >= ? AND g.sku_key < ?) OR "
                             "(g.channel_no IN (?) AND g.sku_key >= ? AND g.sku_key < ?)) "
                             "ORDER BY g.channel_no, g.sku_key LIMIT ?"),
                {menu.merchant_number, after.channels.front().number, Blob{after.key}, Blob{prefix},
                 Blob{end}, whole_channels, Blob{prefix}, Blob{end}, listings},
                [&](const Row& row) {
                  ++rows;
                  AddGroupRow(read.groups, row);
                });
  read.all = rows < listings;
  if (!read.all &&
      static_cast<std::int64_t>(read.groups.back().listings.size()) < read.groups.back().listing_count) {
    read.cut = read.groups.size() == 1;
    if (!read.cut) read.groups.pop_back();
  }
  for (MultipleListingGroup& group : read.groups) SortListings(group);
  return read;
}

// Up to 1,001 listings of one group, of those after `after_listing`. None when there is no such group.
std::optional<MultipleListingGroup> ReadPart(Session& session, const Menu& menu, int channel,
                                             const std::string& key, const std::string& after_listing) {
  // Its listings are in one of two ranges: in POS or not.
  const std::string range = absl::StrCat(
      "(SELECT ", kListingColumns,
      " FROM listing FORCE INDEX (by_sku) WHERE merchant_no = ? AND channel_no = ? AND state = 1 AND in_pos "
      "= ? AND sku_key = ? AND listing_id > ? ORDER BY listing_id LIMIT ?)");
  const auto limit = static_cast<std::int64_t>(kListingsOfGroup) + 1;
  const Blob key_bytes{key}, after{after_listing};
  std::vector<MultipleListingGroup> groups;
  session.Query(absl::StrCat(kGroupColumns, "JOIN (", range, " UNION ALL ", range,
                             ") l WHERE g.merchant_no = ? AND g.channel_no = ? AND g.sku_key = ?"),
                {menu.merchant_number, channel, 0, key_bytes, after, limit, menu.merchant_number, channel, 1,
                 key_bytes, after, limit, menu.merchant_number, channel, key_bytes},
                [&](const Row& row) { AddGroupRow(groups, row); });
  if (groups.empty()) return std::nullopt;
  SortListings(groups.front());
  return std::move(groups.front());
}

bool HasName(const MultipleListingGroup& group, const std::string& folded_prefix) {
  return std::any_of(group.listings.begin(), group.listings.end(), [&](const Listing& listing) {
    return FoldCase(listing.name).starts_with(folded_prefix);
  });
}

// A page of groups as it is put together.
class GroupPage {
 public:
  GroupPage(const Menu& menu, const MenuQuery& query)
      : menu_(menu),
        folded_(FoldCase(query.name_prefix)),
        limit_(query.limit),
        looked_through_limit_(folded_.empty() ? query.limit : std::max(query.limit, kGroupsLookedThrough)) {}

  // Takes the next group unless the page has ended.
  void Add(MultipleListingGroup group) {
    if (ended_) return;
    if (room() == 0) return End();
    const bool unfinished = group.listings.size() > kListingsOfGroup;
    if (unfinished) group.listings.resize(kListingsOfGroup);
    after_ = {ChannelId(menu_, group.channel_number), group.sku_key,
              unfinished ? group.listings.back().listing_id : ""};
    ++looked_through_;
    listings_ += static_cast<std::int64_t>(group.listings.size());
    if (folded_.empty() || HasName(group, folded_)) page_.rows.push_back(std::move(group));
    // Its next part is the next page's first row.
    if (unfinished) End();
  }
  // Groups that it can still take, as far as is known: they may not have the name.
  int room() const {
    if (static_cast<int>(page_.rows.size()) == limit_ || listings_ >= kListingsOfPage) return 0;
    return looked_through_limit_ - looked_through_;
  }
  bool ended() const { return ended_; }
  MenuPage<MultipleListingGroup> Take() { return std::move(page_); }

 private:
  // There is a group after the last one taken.
  void End() {
    ended_ = true;
    page_.next = after_;
  }

  const Menu& menu_;
  const std::string folded_;
  const int limit_, looked_through_limit_;
  MenuPage<MultipleListingGroup> page_;
  PagePosition after_;
  int looked_through_ = 0;
  std::int64_t listings_ = 0;
  bool ended_ = false;
};

// Adds groups until there are no more or the page has ended.
void AddGroups(Session& session, const Menu& menu, const MenuQuery& query, GroupsAfter after,
               GroupPage& page) {
  // Nearly all groups are pairs. One group more than there is room for tells that there is another page.
  for (std::int64_t of_group = 2; !after.channels.empty() && !page.ended();
       of_group = std::min(2 * of_group, kListingsOfPage)) {
    std::vector<Menu::ChannelRef>& channels = after.channels;
    std::size_t run = 1;
    while (run < channels.size() && channels[run - 1].number < channels[run].number) ++run;
    const std::int64_t listings = std::min(of_group * (page.room() + 1), kListingsOfPage);
    Groups read = ReadGroups(session, menu, query, after, run, listings);
    if (read.all) {
      channels.erase(channels.begin(), channels.begin() + static_cast<std::ptrdiff_t>(run));
      after.key.clear();
    } else {
      const int last = read.groups.back().channel_number;
      while (channels.front().number != last) channels.erase(channels.begin());
      after.key = read.groups.back().sku_key;
    }
    if (read.cut) {
      std::optional<MultipleListingGroup> part =
          ReadPart(session, menu, channels.front().number, after.key, "");
      if (part) page.Add(*std::move(part));
      continue;
    }
    for (MultipleListingGroup& group : read.groups) page.Add(std::move(group));
  }
}

}  // namespace

absl::StatusOr<MenuPage<MenuListing>> NotInPos(Database& database, const Menu& menu, const MenuQuery& query,
                                               const std::vector<ListingState>& states, bool with_reasons) {
  return database.Read([&](Session& session) {
    std::vector<ListingState> ordered(states);
    std::sort(ordered.begin(), ordered.end());
    ordered.erase(std::unique(ordered.begin(), ordered.end()), ordered.end());
    std::int64_t after_state = 0;
    if (!query.after.empty() && !absl::SimpleAtoi(query.after[1], &after_state)) after_state = 0;

    std::vector<MenuListing> rows;
    std::vector<std::string> keys;
    const auto wanted = static_cast<std::size_t>(query.limit) + 1;
    for (const Menu::ChannelRef& channel : AskedFrom(menu, query.after.empty() ? "" : query.after[0])) {
      const bool resumed = !query.after.empty() && channel.id == query.after[0];
      for (const ListingState state : ordered) {
        const auto number = static_cast<std::int64_t>(state);
        if (resumed && number < after_state) continue;
        if (state == ListingState::kLive && channel.not_in_pos == 0) continue;
        ListingRange range{.channel = channel.number, .state = state, .first_key = {}, .first_id = {}};
        if (resumed && number == after_state) {
          range.first_key = query.after[2];
          range.first_id = query.after[3];
        }
        if (rows.size() < wanted) ReadRange(session, menu, query, range, wanted - rows.size(), rows, keys);
      }
    }
    MenuPage<MenuListing> page;
    if (rows.size() == wanted) {
      rows.pop_back();
      const MenuListing& last = rows.back();
      page.next = {ChannelId(menu, last.channel_number), absl::StrCat(static_cast<int>(last.listing.state)),
                   keys[rows.size() - 1], last.listing.listing_id};
    }
    const std::string folded = FoldCase(query.name_prefix);
    if (CodePoints(folded) > kNameKeyLength) {
      std::erase_if(rows,
                    [&](const MenuListing& row) { return !FoldCase(row.listing.name).starts_with(folded); });
    }
    page.rows = std::move(rows);
    for (std::size_t i = 0; with_reasons && i < page.rows.size(); i += kExplainedAtOnce) {
      Explain(session, menu,
              std::span(page.rows).subspan(i, std::min(kExplainedAtOnce, page.rows.size() - i)));
    }
    return page;
  });
}

absl::StatusOr<MenuPage<MultipleListingGroup>> MultipleListings(Database& database, const Menu& menu,
                                                                const MenuQuery& query) {
  return database.Read([&](Session& session) {
    GroupPage page(menu, query);
    GroupsAfter after;
    for (const Menu::ChannelRef& channel : AskedFrom(menu, query.after.empty() ? "" : query.after[0])) {
      if (channel.multiple_listings != 0) after.channels.push_back(channel);
    }
    if (!query.after.empty() && !after.channels.empty() && after.channels.front().id == query.after[0]) {
      after.key = query.after[1];
      if (!query.after[2].empty()) {
        std::optional<MultipleListingGroup> part =
            ReadPart(session, menu, after.channels.front().number, after.key, query.after[2]);
        if (part) page.Add(*std::move(part));
      }
    }
    AddGroups(session, menu, query, std::move(after), page);
    return page.Take();
  });
}

}  // namespace skulink::store
