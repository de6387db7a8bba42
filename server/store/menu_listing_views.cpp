// The views whose rows are listings: Not In POS, Multiple Listing.
#include <algorithm>
#include <map>

#include "absl/container/flat_hash_map.h"
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
constexpr int kGroupsLookedThrough = 100;

std::vector<Menu::ChannelRef> AskedFrom(const Menu& menu, const std::string& first_id) {
  std::vector<Menu::ChannelRef> channels;
  for (const Menu::ChannelRef& channel : menu.channels) {
    if ((menu.asked & BadgeOf(channel.number)) != 0 && channel.id >= first_id) channels.push_back(channel);
  }
  return channels;
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

struct Group {
  int channel;
  std::string channel_id;
  MultipleListingGroup row;
  std::string after_listing;  // the listings up to this one were on the page before
  bool in_pos;
  bool unfinished = false;  // has more listings than its row holds
};

// Groups of one channel after `key`; with `again`, from the group of `key` on.
std::vector<Group> ReadGroups(Session& session, const Menu& menu, const MenuQuery& query,
                              const Menu::ChannelRef& channel, const std::string& key, bool again,
                              std::int64_t limit) {
  const std::string prefix = SkuKeyPrefix(query.sku_prefix, menu.sku_case), end = EndOfPrefix(prefix);
  const std::string from = std::max(prefix, key);
  std::vector<Group> groups;
  session.Query(
      "SELECT STRAIGHT_JOIN g.sku_key, g.listings, p.product_id, v.variant_id FROM multiple_listing g "
      "LEFT JOIN variant v ON v.merchant_no = g.merchant_no AND v.sku_key = g.sku_key "
      "LEFT JOIN product p ON p.merchant_no = v.merchant_no AND p.product_no = v.product_no "
      "WHERE g.merchant_no = ? AND g.channel_no = ? AND g.sku_key >= ? AND g.sku_key < ? AND (g.sku_key > ? "
      "OR ?) "
      "ORDER BY g.sku_key LIMIT ?",
      {menu.merchant_number, channel.number, Blob{from}, Blob{end}, Blob{key}, again, limit},
      [&](const Row& row) {
        groups.push_back({.channel = channel.number,
                          .channel_id = channel.id,
                          .row = {.channel_number = channel.number,
                                  .sku_key = row.String(0),
                                  .listing_count = row.Int(1),
                                  .product_id = row.String(2),
                                  .variant_id = row.String(3)},
                          .in_pos = !row.IsNull(2)});
      });
  return groups;
}

// Does not fit into a row, or did not when its first part was read.
bool IsLarge(const Group& group) {
  return group.row.listing_count > static_cast<std::int64_t>(kListingsOfGroup) ||
         !group.after_listing.empty();
}

// One large group, from where the page before ended.
void ReadLargeGroup(Session& session, const Menu& menu, Group& group) {
  session.Query(
      absl::StrCat("SELECT ", kListingColumns,
                   " FROM listing FORCE INDEX (by_sku) WHERE merchant_no = ? AND channel_no = ? AND "
                   "state = 1 AND in_pos = ? AND sku_key = ? AND listing_id > ? ORDER BY listing_id LIMIT ?"),
      {menu.merchant_number, group.channel, group.in_pos, group.row.sku_key, Blob{group.after_listing},
       static_cast<std::int64_t>(kListingsOfGroup) + 1},
      [&](const Row& row) { group.row.listings.push_back(ListingFromRow(row, 0)); });
  group.unfinished = group.row.listings.size() > kListingsOfGroup;
  if (group.unfinished) group.row.listings.pop_back();
}

void ReadListings(Session& session, const Menu& menu, std::vector<Group>& groups) {
  // By channel and in_pos, which the key decides.
  std::map<std::pair<int, bool>, absl::flat_hash_map<std::string_view, Group*>> small;
  for (Group& group : groups) {
    if (IsLarge(group)) {
      ReadLargeGroup(session, menu, group);
    } else {
      small[{group.channel, group.in_pos}][group.row.sku_key] = &group;
    }
  }
  for (auto& [range, groups_of_range] : small) {
    auto& by_key = groups_of_range;  // clang 14 lets no lambda have the other
    std::vector<std::string_view> keys;
    for (const auto& [key, group] : by_key) keys.push_back(key);
    session.Query(absl::StrCat("SELECT ", kListingColumns,
                               ", sku_key FROM listing FORCE INDEX (by_sku) WHERE merchant_no = ? AND "
                               "channel_no = ? AND state = 1 AND in_pos = ? AND sku_key IN (?)"),
                  {menu.merchant_number, range.first, range.second, keys}, [&](const Row& row) {
                    by_key[row.Text(9)]->row.listings.push_back(ListingFromRow(row, 0));
                  });
  }
  for (Group& group : groups) {
    std::sort(group.row.listings.begin(), group.row.listings.end(),
              [](const Listing& a, const Listing& b) { return a.listing_id < b.listing_id; });
  }
}

PagePosition AfterGroup(const Group& group) {
  return {group.channel_id, group.row.sku_key, group.unfinished ? group.row.listings.back().listing_id : ""};
}

bool HasName(const Group& group, const std::string& folded_prefix) {
  return std::any_of(group.row.listings.begin(), group.row.listings.end(), [&](const Listing& listing) {
    return FoldCase(listing.name).starts_with(folded_prefix);
  });
}

// Keeps no more groups than a page may hold listings of. One that is not whole is the last, so that its next
// part is the next row. Returns whether some were left off.
bool EndAtLargeGroup(std::vector<Group>& groups) {
  std::int64_t listings = 0;
  for (std::size_t i = 0; i + 1 < groups.size(); ++i) {
    listings += std::min<std::int64_t>(groups[i].row.listing_count, kListingsOfGroup);
    if (!IsLarge(groups[i]) && listings < kListingsOfPage) continue;
    groups.erase(groups.begin() + static_cast<std::ptrdiff_t>(i) + 1, groups.end());
    return true;
  }
  return false;
}

// The next groups in the order of channel and key, as many as a page may hold.
std::vector<Group> NextGroups(Session& session, const Menu& menu, const MenuQuery& query,
                              const PagePosition& after, std::int64_t limit) {
  std::vector<Group> groups;
  const std::string first_channel = after.empty() ? std::string() : after[0];
  for (const Menu::ChannelRef& channel : AskedFrom(menu, first_channel)) {
    if (channel.multiple_listings == 0) continue;
    const bool first = !after.empty() && channel.id == first_channel;
    const bool again = first && !after[2].empty();
    std::vector<Group> more = ReadGroups(session, menu, query, channel, first ? after[1] : "", again,
                                         limit - static_cast<std::int64_t>(groups.size()));
    if (again && !more.empty() && more.front().row.sku_key == after[1]) more.front().after_listing = after[2];
    std::move(more.begin(), more.end(), std::back_inserter(groups));
    if (static_cast<std::int64_t>(groups.size()) >= limit) break;
  }
  return groups;
}

}  // namespace

absl::StatusOr<MenuPage<MenuListing>> NotInPos(Database& database, const Menu& menu, const MenuQuery& query,
                                               const std::vector<ListingState>& states) {
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
      const auto channel = std::find_if(menu.channels.begin(), menu.channels.end(), [&](const auto& other) {
        return other.number == last.channel_number;
      });
      page.next = {channel->id, absl::StrCat(static_cast<int>(last.listing.state)), keys[rows.size() - 1],
                   last.listing.listing_id};
    }
    const std::string folded = FoldCase(query.name_prefix);
    if (CodePoints(folded) > kNameKeyLength) {
      std::erase_if(rows,
                    [&](const MenuListing& row) { return !FoldCase(row.listing.name).starts_with(folded); });
    }
    page.rows = std::move(rows);
    return page;
  });
}

absl::StatusOr<MenuPage<MultipleListingGroup>> MultipleListings(Database& database, const Menu& menu,
                                                                const MenuQuery& query) {
  // Groups and their listings are read apart, and must be of one moment.
  return database.ReadSnapshot([&](Session& session) {
    MenuPage<MultipleListingGroup> page;
    const std::string folded = FoldCase(query.name_prefix);
    const auto wanted = static_cast<std::size_t>(query.limit);
    PagePosition after = query.after;
    bool more = true;
    for (int looked_through = 0;
         more && page.rows.size() < wanted && looked_through < kGroupsLookedThrough;) {
      std::vector<Group> groups = NextGroups(session, menu, query, after, query.limit + 1);
      more = static_cast<int>(groups.size()) > query.limit;
      if (more) groups.pop_back();
      more = EndAtLargeGroup(groups) || more;
      ReadListings(session, menu, groups);
      for (Group& group : groups) {
        if (page.rows.size() == wanted) {
          more = true;
          break;
        }
        ++looked_through;
        after = AfterGroup(group);
        more = more || group.unfinished;
        if (group.row.listings.empty()) continue;  // the rest of it is gone since the page before
        if (folded.empty() || HasName(group, folded)) page.rows.push_back(std::move(group.row));
      }
    }
    if (more) page.next = after;
    return page;
  });
}

}  // namespace skulink::store
