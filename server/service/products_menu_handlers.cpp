#include "server/service/products_menu_handlers.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/names.h"
#include "server/service/answers.h"
#include "server/service/request_fields.h"
#include "server/store/menu_views.h"

namespace skulink {
namespace {

using store::Badges;
using store::Menu;
using store::MenuQuery;

constexpr TextRule kNamePrefixRule = {.max_length = 500, .allowed = ControlCharacters::kTab};

absl::StatusOr<std::vector<std::string>> ParseChannels(
    const google::protobuf::RepeatedPtrField<std::string>& names, const std::string& merchant_id) {
  std::vector<std::string> ids;
  for (int i = 0; i < names.size(); ++i) {
    const std::string field = absl::StrCat("channels[", i, "]");
    SKULINK_ASSIGN_OR_RETURN(ChannelName name, ParseChannelName(names[i], field));
    if (name.merchant != merchant_id) {
      return InvalidField(field, v1::ERROR_REASON_FORMAT_INVALID, "must be a channel of the parent");
    }
    ids.push_back(std::move(name.channel));
  }
  return ids;
}

// What every request of this service says.
struct Scope {
  std::string merchant_id;
  std::vector<std::string> channel_ids;
};
template <typename Request>
absl::StatusOr<Scope> ReadScope(const Request& request) {
  SKULINK_ASSIGN_OR_RETURN(MerchantName parent, ParseMerchantName(request.parent(), "parent"));
  SKULINK_ASSIGN_OR_RETURN(std::vector<std::string> channels,
                           ParseChannels(request.channels(), parent.merchant));
  return Scope{std::move(parent.merchant), std::move(channels)};
}

template <typename Request>
absl::StatusOr<Menu> Open(const Request& request, CallContext& call) {
  SKULINK_ASSIGN_OR_RETURN(const Scope scope, ReadScope(request));
  return store::OpenMenu(call.database, scope.merchant_id, scope.channel_ids);
}

// `columns`: of a position in the view's order, without a name prefix and with one.
struct PositionColumns {
  std::size_t by_sku, by_name;
};
constexpr PositionColumns kVariantPosition = {.by_sku = 2, .by_name = 3};

template <typename Request>
absl::StatusOr<MenuQuery> ReadQuery(const Request& request, const PositionColumns& columns) {
  MenuQuery query;
  SKULINK_RETURN_IF_ERROR(CheckTextField(request.sku_prefix(), "sku_prefix", kSkuRule));
  SKULINK_RETURN_IF_ERROR(CheckTextField(request.name_prefix(), "name_prefix", kNamePrefixRule));
  if (!request.sku_prefix().empty() && !request.name_prefix().empty()) {
    return InvalidField("name_prefix", v1::ERROR_REASON_FORMAT_INVALID,
                        "must be empty when sku_prefix is given");
  }
  query.sku_prefix = request.sku_prefix();
  query.name_prefix = request.name_prefix();
  SKULINK_ASSIGN_OR_RETURN(query.limit, PageSize(request.page_size()));
  SKULINK_ASSIGN_OR_RETURN(
      query.after, ReadPageToken(request, request.name_prefix().empty() ? columns.by_sku : columns.by_name));
  return query;
}

absl::StatusOr<std::vector<ListingState>> ReadStates(const v1::ListNotInPosRequest& request) {
  if (request.states().empty()) return std::vector{ListingState::kLive};
  std::vector<ListingState> states;
  for (int i = 0; i < request.states_size(); ++i) {
    const v1::ListingState state = request.states(i);
    if (!v1::ListingState_IsValid(state) || state == v1::LISTING_STATE_UNSPECIFIED) {
      return InvalidField(absl::StrCat("states[", i, "]"), v1::ERROR_REASON_FORMAT_INVALID,
                          "must be one of ListingState, not UNSPECIFIED");
    }
    states.push_back(static_cast<ListingState>(state));
  }
  std::sort(states.begin(), states.end());
  states.erase(std::unique(states.begin(), states.end()), states.end());
  return states;
}

// The names of the menu's channels, which rows repeat.
class ChannelNames {
 public:
  explicit ChannelNames(const Menu& menu) {
    for (const Menu::ChannelRef& channel : menu.channels) {
      names_.emplace_back(store::BadgeOf(channel.number),
                          ToString(ChannelName{menu.merchant_id, channel.id}));
    }
  }
  void Add(Badges badges, google::protobuf::RepeatedPtrField<std::string>& names) const {
    for (const auto& [badge, name] : names_) {
      if ((badges & badge) != 0) names.Add()->assign(name);
    }
  }

 private:
  std::vector<std::pair<Badges, std::string>> names_;
};

// Empty for a channel that was created after the menu was opened.
std::string ChannelId(const Menu& menu, int number) {
  const auto found = std::find_if(menu.channels.begin(), menu.channels.end(),
                                  [number](const auto& channel) { return channel.number == number; });
  return found == menu.channels.end() ? "" : found->id;
}

void SetVariant(const std::string& merchant_id, store::MenuVariant row, v1::MenuVariant& proto) {
  proto.set_variant(ToString(VariantName{merchant_id, row.product_id, row.variant_id}));
  proto.set_product_id(std::move(row.product_id));
  proto.set_variant_id(std::move(row.variant_id));
  proto.set_product_display_name(std::move(row.product_name));
  proto.set_option(std::move(row.option));
  proto.set_sku(std::move(row.sku));
  proto.set_barcode(std::move(row.barcode));
  if (row.price) *proto.mutable_price() = ToProto(*row.price);
  if (row.stock) proto.set_stock(*row.stock);
}

void SetExplanation(const std::string& merchant_id, store::NotInPosExplanation row,
                    v1::NotInPosExplanation& proto) {
  proto.set_reason(row.reason);
  if (!row.candidate) return;
  // Both count the ways alike.
  for (const SkuDifference difference : row.differences) {
    proto.add_differences(static_cast<v1::NotInPosReason>(difference));
  }
  if (row.differences.empty()) proto.add_differences(row.reason);
  proto.set_candidate(
      ToString(VariantName{merchant_id, row.candidate->product_id, row.candidate->variant_id}));
  proto.set_candidate_display_name(std::move(row.candidate->product_name));
  proto.set_candidate_sku(std::move(row.candidate->sku));
  proto.set_other_candidates(row.other_candidates);
}

// Fills a page of the rows that `read` reads with a query and `add` adds to the response; reads fewer as long
// as they are too many bytes.
template <typename Request, typename Response, typename Rows, typename Read, typename Add>
absl::Status FillPage(const Request& request, MenuQuery query,
                      google::protobuf::RepeatedPtrField<Rows>* (Response::*rows)(), const Read& read,
                      const Add& add, Response& response) {
  while (true) {
    SKULINK_ASSIGN_OR_RETURN(auto page, read(query));
    for (auto& row : page.rows) add(std::move(row), *(response.*rows)()->Add());
    const std::size_t bytes = response.ByteSizeLong();
    const int count = (response.*rows)()->size();
    if (bytes <= kMaxPageBytes || count <= 1) {
      if (!page.next.empty()) response.set_next_page_token(MakePageToken(request, page.next));
      return absl::OkStatus();
    }
    // Somewhat fewer than would fit if all were alike.
    const std::size_t fitting = static_cast<std::size_t>(count) * kMaxPageBytes / bytes;
    query.limit = std::clamp(static_cast<int>(fitting * 9 / 10), 1, count - 1);
    response.Clear();
  }
}

v1::SkuAndProductCount Count(std::int64_t skus, std::int64_t products) {
  v1::SkuAndProductCount count;
  count.set_skus(skus);
  count.set_products(products);
  return count;
}

}  // namespace

absl::Status ListSoldInChannel(const v1::ListSoldInChannelRequest& request, CallContext& call,
                               v1::ListSoldInChannelResponse& response) {
  SKULINK_ASSIGN_OR_RETURN(const MenuQuery query, ReadQuery(request, kVariantPosition));
  SKULINK_ASSIGN_OR_RETURN(const Menu menu, Open(request, call));
  const ChannelNames channels(menu);
  return FillPage(
      request, query, &v1::ListSoldInChannelResponse::mutable_variants,
      [&](const MenuQuery& part) { return store::SoldInChannel(call.database, menu, part); },
      [&](store::MenuVariant row, v1::MenuVariant& proto) {
        channels.Add(row.badges, *proto.mutable_badges());
        SetVariant(menu.merchant_id, std::move(row), proto);
      },
      response);
}

absl::Status ListNotInPos(const v1::ListNotInPosRequest& request, CallContext& call,
                          v1::ListNotInPosResponse& response) {
  SKULINK_ASSIGN_OR_RETURN(const MenuQuery query, ReadQuery(request, {.by_sku = 4, .by_name = 4}));
  SKULINK_ASSIGN_OR_RETURN(const std::vector<ListingState> states, ReadStates(request));
  SKULINK_ASSIGN_OR_RETURN(const Menu menu, Open(request, call));
  return FillPage(
      request, query, &v1::ListNotInPosResponse::mutable_listings,
      [&](const MenuQuery& part) {
        return store::NotInPos(call.database, menu, part, states, request.with_reasons());
      },
      [&](store::MenuListing row, v1::Listing& proto) {
        if (request.with_reasons()) {
          SetExplanation(menu.merchant_id, std::move(row.explanation), *response.add_explanations());
        }
        SetListing(std::move(row.listing), menu.merchant_id, ChannelId(menu, row.channel_number), proto);
      },
      response);
}

absl::StatusOr<v1::SummarizeNotInPosResponse> SummarizeNotInPos(const v1::SummarizeNotInPosRequest& request,
                                                                CallContext& call) {
  SKULINK_ASSIGN_OR_RETURN(const Scope scope, ReadScope(request));
  SKULINK_ASSIGN_OR_RETURN(const auto summaries,
                           store::SummarizeNotInPos(call.database, scope.merchant_id, scope.channel_ids,
                                                    [&call] { return call.Abandoned(); }));
  v1::SummarizeNotInPosResponse response;
  for (const store::NotInPosSummary& row : summaries) {
    v1::NotInPosSummary& summary = *response.add_summaries();
    summary.set_channel(ToString(ChannelName{scope.merchant_id, row.channel_id}));
    for (const auto& [reason, listings] : row.listings) {
      v1::NotInPosCount& count = *summary.add_counts();
      count.set_reason(reason);
      count.set_listings(listings);
    }
  }
  return response;
}

absl::Status ListNotInChannel(const v1::ListNotInChannelRequest& request, CallContext& call,
                              v1::ListNotInChannelResponse& response) {
  SKULINK_ASSIGN_OR_RETURN(const MenuQuery query, ReadQuery(request, kVariantPosition));
  SKULINK_ASSIGN_OR_RETURN(const Menu menu, Open(request, call));
  const ChannelNames channels(menu);
  return FillPage(
      request, query, &v1::ListNotInChannelResponse::mutable_rows,
      [&](const MenuQuery& part) { return store::NotInChannel(call.database, menu, part); },
      [&](store::MenuVariant row, v1::NotInChannelRow& proto) {
        channels.Add(row.badges, *proto.mutable_variant()->mutable_badges());
        channels.Add(menu.asked & ~row.badges, *proto.mutable_missing_channels());
        SetVariant(menu.merchant_id, std::move(row), *proto.mutable_variant());
      },
      response);
}

absl::Status ListInPos(const v1::ListInPosRequest& request, CallContext& call,
                       v1::ListInPosResponse& response) {
  SKULINK_ASSIGN_OR_RETURN(
      const MenuQuery query,
      ReadQuery(request, {.by_sku = request.sku_prefix().empty() ? 2U : 1U, .by_name = 3}));
  SKULINK_ASSIGN_OR_RETURN(const Menu menu, Open(request, call));
  const ChannelNames channels(menu);
  return FillPage(
      request, query, &v1::ListInPosResponse::mutable_variants,
      [&](const MenuQuery& part) { return store::InPos(call.database, menu, part); },
      [&](store::MenuVariant row, v1::MenuVariant& proto) {
        channels.Add(row.badges & menu.asked, *proto.mutable_badges());
        SetVariant(menu.merchant_id, std::move(row), proto);
      },
      response);
}

absl::Status ListMultipleListings(const v1::ListMultipleListingsRequest& request, CallContext& call,
                                  v1::ListMultipleListingsResponse& response) {
  SKULINK_ASSIGN_OR_RETURN(const MenuQuery query, ReadQuery(request, {.by_sku = 3, .by_name = 3}));
  SKULINK_ASSIGN_OR_RETURN(const Menu menu, Open(request, call));
  return FillPage(
      request, query, &v1::ListMultipleListingsResponse::mutable_groups,
      [&](const MenuQuery& part) { return store::MultipleListings(call.database, menu, part); },
      [&](store::MultipleListingGroup row, v1::MultipleListing& group) {
        const std::string channel = ChannelId(menu, row.channel_number);
        group.set_channel(ToString(ChannelName{menu.merchant_id, channel}));
        group.set_sku_key(std::move(row.sku_key));
        group.set_listing_count(row.listing_count);
        for (Listing& listing : row.listings) {
          SetListing(std::move(listing), menu.merchant_id, channel, *group.add_listings());
        }
        if (!row.product_id.empty()) {
          group.set_variant(ToString(VariantName{menu.merchant_id, row.product_id, row.variant_id}));
        }
      },
      response);
}

absl::StatusOr<v1::ListChannelStatisticsResponse> ListChannelStatistics(
    const v1::ListChannelStatisticsRequest& request, CallContext& call) {
  SKULINK_ASSIGN_OR_RETURN(const Scope scope, ReadScope(request));
  SKULINK_ASSIGN_OR_RETURN(const auto statistics,
                           store::ChannelStatistics(call.database, scope.merchant_id, scope.channel_ids));
  v1::ListChannelStatisticsResponse response;
  for (const store::ChannelStatistic& row : statistics) {
    v1::ChannelStatistic& proto = *response.add_statistics();
    proto.set_channel(ToString(ChannelName{scope.merchant_id, row.channel_id}));
    *proto.mutable_live_product() = Count(row.live_skus, row.live_products);
    *proto.mutable_sold_in_channel() = Count(row.sold_skus, row.sold_products);
    *proto.mutable_product_not_in_pos() = Count(row.not_in_pos_skus, row.not_in_pos_products);
    proto.set_not_in_channel(row.not_in_channel);
    proto.set_multiple_listings(row.multiple_listings);
    for (int state = 1; state <= kListingStates; ++state) {
      v1::StateCount& count = *proto.add_listings_by_state();
      count.set_state(static_cast<v1::ListingState>(state));
      count.set_listings(row.listings_by_state[state - 1]);
    }
    if (row.last_scan_time) *proto.mutable_last_scan_time() = ToTimestamp(*row.last_scan_time);
    proto.set_complete(row.complete);
  }
  return response;
}

}  // namespace skulink
