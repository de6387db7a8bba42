#include "server/store/menu_views.h"

#include <algorithm>

#include "common/errors.h"
#include "common/names.h"
#include "server/store/merchants.h"
#include "server/store/times.h"

namespace skulink::store {

Menu ReadMenu(Session& session, std::string_view merchant_id,
              const std::vector<std::string>& asked_channel_ids) {
  Menu menu;
  bool found = false;
  session.Query(
      "SELECT m.merchant_no, m.sku_case, m.rekeying, c.channel_no, c.channel_id, n.not_in_pos, "
      "n.multiple_listings FROM merchant m LEFT JOIN (channel c JOIN channel_count n "
      "ON n.merchant_no = c.merchant_no AND n.channel_no = c.channel_no) ON c.merchant_no = m.merchant_no "
      "WHERE m.merchant_id = ? ORDER BY c.channel_id",
      {merchant_id}, [&](const Row& row) {
        if (row.Int(2) != 0) throw Refused(Rekeying(merchant_id));
        found = true;
        menu.merchant_number = row.Int(0);
        menu.sku_case = static_cast<SkuCase>(row.Int(1));
        if (!row.IsNull(3))
          menu.channels.push_back({static_cast<int>(row.Int(3)), row.String(4), row.Int(5), row.Int(6)});
      });
  menu.merchant_id = merchant_id;
  if (!found) throw Refused(NotFound(ToString(MerchantName{menu.merchant_id})));
  for (const Menu::ChannelRef& channel : menu.channels) menu.all |= BadgeOf(channel.number);
  for (const std::string& id : asked_channel_ids) {
    const auto channel = std::find_if(menu.channels.begin(), menu.channels.end(),
                                      [&](const Menu::ChannelRef& other) { return other.id == id; });
    if (channel == menu.channels.end()) throw Refused(NotFound(ToString(ChannelName{menu.merchant_id, id})));
    menu.asked |= BadgeOf(channel->number);
  }
  if (asked_channel_ids.empty()) menu.asked = menu.all;
  return menu;
}

absl::StatusOr<Menu> OpenMenu(Database& database, std::string_view merchant_id,
                              const std::vector<std::string>& asked_channel_ids) {
  return database.Read([&](Session& session) { return ReadMenu(session, merchant_id, asked_channel_ids); });
}

absl::StatusOr<std::vector<ChannelStatistic>> ChannelStatistics(
    Database& database, std::string_view merchant_id, const std::vector<std::string>& asked_channel_ids) {
  return database.Read([&](Session& session) {
    std::vector<ChannelStatistic> statistics;
    bool found = false;
    session.Query(
        "SELECT m.rekeying, c.channel_id, n.live, n.live_items, n.sold_variants, n.sold_products, "
        "n.not_in_pos, "
        "n.not_in_pos_items, n.multiple_listings, n.last_scan_time, n.complete, n.inactive, n.pending, "
        "n.suspended, "
        "n.deleted, n.unknown, "
        "(SELECT SUM(b.variants) FROM badge_count b WHERE b.merchant_no = m.merchant_no) "
        "FROM merchant m LEFT JOIN (channel c JOIN channel_count n ON n.merchant_no = c.merchant_no "
        "AND n.channel_no = c.channel_no) ON c.merchant_no = m.merchant_no "
        "WHERE m.merchant_id = ? ORDER BY c.channel_id",
        {merchant_id}, [&](const Row& row) {
          if (row.Int(0) != 0) throw Refused(Rekeying(merchant_id));
          found = true;
          if (row.IsNull(1)) return;
          statistics.push_back({.channel_id = row.String(1),
                                .live_skus = row.Int(2),
                                .live_products = row.Int(3),
                                .sold_skus = row.Int(4),
                                .sold_products = row.Int(5),
                                .not_in_pos_skus = row.Int(6),
                                .not_in_pos_products = row.Int(7),
                                .not_in_channel = row.Int(16) - row.Int(4),
                                .multiple_listings = row.Int(8),
                                .listings_by_state = {row.Int(2), row.Int(11), row.Int(12), row.Int(13),
                                                      row.Int(14), row.Int(15)},
                                .last_scan_time = OptionalTime(row.OptionalInt(9)),
                                .complete = row.Int(10) != 0});
        });
    if (!found) throw Refused(NotFound(ToString(MerchantName{std::string(merchant_id)})));
    if (asked_channel_ids.empty()) return statistics;
    for (const std::string& id : asked_channel_ids) {
      if (std::none_of(statistics.begin(), statistics.end(),
                       [&](const ChannelStatistic& statistic) { return statistic.channel_id == id; })) {
        throw Refused(NotFound(ToString(ChannelName{std::string(merchant_id), id})));
      }
    }
    std::erase_if(statistics, [&](const ChannelStatistic& statistic) {
      return std::find(asked_channel_ids.begin(), asked_channel_ids.end(), statistic.channel_id) ==
             asked_channel_ids.end();
    });
    return statistics;
  });
}

}  // namespace skulink::store
