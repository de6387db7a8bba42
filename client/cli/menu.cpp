#include <algorithm>
#include <map>
#include <memory>

#include "client/cli/app.h"
#include "client/cli/rows.h"
#include "common/names.h"

namespace skulink::cli {
namespace {

// As long as the server works at it.
constexpr absl::Duration kSummaryTimeout = absl::Minutes(30);

struct Values {
  std::vector<std::string> channels;
  std::string sku_prefix;
  std::string name_prefix;
  int limit = 50;
  std::vector<v1::ListingState> states;
  bool reasons = false, summary = false;
};

const std::vector<Column> kVariantColumns = {{"product_id", "PRODUCT"},
                                             {"variant_id", "VARIANT"},
                                             {"name", "NAME"},
                                             {"option", "OPTION"},
                                             {"sku", "SKU"},
                                             {"price", "PRICE", true},
                                             {"stock", "STOCK", true},
                                             {"channels", "CHANNELS"}};
const std::vector<Column> kNotInChannelColumns = {{"product_id", "PRODUCT"},
                                                  {"variant_id", "VARIANT"},
                                                  {"name", "NAME"},
                                                  {"option", "OPTION"},
                                                  {"sku", "SKU"},
                                                  {"channels", "CHANNELS"},
                                                  {"missing_channels", "MISSING"}};
const std::vector<Column> kListingColumns = {
    {"channel", "CHANNEL"}, {"listing_id", "LISTING"}, {"item_id", "ITEM"},      {"name", "NAME"},
    {"sku", "SKU"},         {"state", "STATE"},        {"price", "PRICE", true}, {"stock", "STOCK", true}};
const std::vector<Column> kExplainedColumns = {{"channel", "CHANNEL"},
                                               {"listing_id", "LISTING"},
                                               {"name", "NAME"},
                                               {"sku", "SKU"},
                                               {"reason", "REASON"},
                                               {"candidate_sku", "POS SKU"},
                                               {"candidate_name", "POS NAME"}};
const std::vector<Column> kSummaryColumns = {
    {"channel", "CHANNEL"}, {"reason", "REASON"}, {"listings", "LISTINGS", true}};
const std::vector<Column> kMultipleColumns = {
    {"channel", "CHANNEL"},         {"sku_key", "SKU"},        {"listing_count", "LISTINGS", true},
    {"listing_ids", "LISTING IDS"}, {"product_id", "PRODUCT"}, {"variant_id", "VARIANT"}};
const std::vector<Column> kStatisticColumns = {{"channel", "CHANNEL"},
                                               {"live_product_skus", "LIVE SKUS", true},
                                               {"live_product_products", "PRODUCTS", true},
                                               {"sold_in_channel_skus", "SOLD SKUS", true},
                                               {"sold_in_channel_products", "PRODUCTS", true},
                                               {"not_in_pos_skus", "NOT IN POS SKUS", true},
                                               {"not_in_pos_products", "PRODUCTS", true},
                                               {"not_in_channel", "NOT IN CHANNEL", true},
                                               {"multiple_listings", "MULTIPLE", true},
                                               {"last_scan_time", "LAST SCAN"},
                                               {"complete", "COMPLETE"}};

template <class Resources>
Row ChannelIds(const Resources& resources) {
  Row ids = Row::array();
  for (const std::string& resource : resources) ids.push_back(ChannelId(resource));
  return ids;
}

Row VariantRow(const v1::MenuVariant& variant) {
  Row row;
  row["product_id"] = variant.product_id();
  row["variant_id"] = variant.variant_id();
  row["name"] = variant.product_display_name();
  row["option"] = TextOrNull(variant.option());
  row["sku"] = TextOrNull(variant.sku());
  row["barcode"] = TextOrNull(variant.barcode());
  PutPrice(row, variant.has_price(), variant.price());
  row["stock"] = variant.has_stock() ? Row(variant.stock()) : Row(nullptr);
  row["channels"] = ChannelIds(variant.badges());
  return row;
}

Row NotInChannelRow(const v1::NotInChannelRow& missing) {
  Row row = VariantRow(missing.variant());
  row["missing_channels"] = ChannelIds(missing.missing_channels());
  return row;
}

Row ListingRow(const v1::Listing& listing) {
  const absl::StatusOr<ListingName> name = ParseListingName(listing.name(), "name");
  Row row;
  row["channel"] = name.ok() ? name->channel : "";
  row["listing_id"] = listing.listing_id();
  row["item_id"] = listing.item_id();
  row["name"] = listing.display_name();
  row["sku"] = TextOrNull(listing.seller_sku());
  row["state"] = LowerName(v1::ListingState_Name(listing.state()), "LISTING_STATE_");
  PutPrice(row, listing.has_price(), listing.price());
  row["stock"] = listing.has_stock() ? Row(listing.stock()) : Row(nullptr);
  row["gtin"] = TextOrNull(listing.gtin());
  return row;
}

std::string ReasonText(int reason) {
  return LowerName(v1::NotInPosReason_Name(static_cast<v1::NotInPosReason>(reason)), "NOT_IN_POS_REASON_");
}

Row ExplainedRow(const ExplainedListing& explained) {
  const v1::NotInPosExplanation& explanation = explained.explanation;
  Row row = ListingRow(explained.listing);
  row["reason"] = ReasonText(explanation.reason());
  row["differences"] = Row::array();
  for (const int difference : explanation.differences()) row["differences"].push_back(ReasonText(difference));
  const absl::StatusOr<VariantName> candidate = ParseVariantName(explanation.candidate(), "candidate");
  row["candidate_product_id"] = candidate.ok() ? Row(candidate->product) : Row(nullptr);
  row["candidate_variant_id"] = candidate.ok() ? Row(candidate->variant) : Row(nullptr);
  row["candidate_name"] = TextOrNull(explanation.candidate_display_name());
  row["candidate_sku"] = TextOrNull(explanation.candidate_sku());
  row["other_candidates"] = explanation.other_candidates();
  return row;
}

Row MultipleRow(const v1::MultipleListing& group) {
  Row row;
  row["channel"] = ChannelId(group.channel());
  row["sku_key"] = group.sku_key();
  row["listing_count"] = group.listing_count();
  row["listing_ids"] = Row::array();
  for (const v1::Listing& listing : group.listings()) row["listing_ids"].push_back(listing.listing_id());
  const absl::StatusOr<VariantName> variant = ParseVariantName(group.variant(), "variant");
  row["product_id"] = variant.ok() ? Row(variant->product) : Row(nullptr);
  row["variant_id"] = variant.ok() ? Row(variant->variant) : Row(nullptr);
  return row;
}

Row StatisticRow(const v1::ChannelStatistic& statistic) {
  Row row;
  row["channel"] = ChannelId(statistic.channel());
  row["live_product_skus"] = statistic.live_product().skus();
  row["live_product_products"] = statistic.live_product().products();
  row["sold_in_channel_skus"] = statistic.sold_in_channel().skus();
  row["sold_in_channel_products"] = statistic.sold_in_channel().products();
  row["not_in_pos_skus"] = statistic.product_not_in_pos().skus();
  row["not_in_pos_products"] = statistic.product_not_in_pos().products();
  row["not_in_channel"] = statistic.not_in_channel();
  row["multiple_listings"] = statistic.multiple_listings();
  row["listings_by_state"] = Row::object();
  for (const v1::StateCount& count : statistic.listings_by_state()) {
    row["listings_by_state"][LowerName(v1::ListingState_Name(count.state()), "LISTING_STATE_")] =
        count.listings();
  }
  row["last_scan_time"] = TimeOrNull(statistic.has_last_scan_time(), statistic.last_scan_time());
  row["complete"] = statistic.complete();
  return row;
}

template <class Request>
Request RequestOf(const App& app, const Values& values) {
  Request request;
  request.set_parent(app.MerchantResource());
  for (const std::string& channel : app.ChannelResources(values.channels)) request.add_channels(channel);
  request.set_sku_prefix(values.sku_prefix);
  request.set_name_prefix(values.name_prefix);
  // One more than wanted shows whether there are more.
  if (values.limit > 0) request.set_page_size(std::min(values.limit + 1, 1000));
  return request;
}

constexpr char kVariantKeys[] =
    "Keys of --output jsonl: product_id, variant_id, name, option, sku, barcode, price, currency, stock, "
    "channels.";

CLI::App* AddView(CLI::App& root, Values& values, const std::string& name, const std::string& description,
                  const std::string& keys) {
  CLI::App* command = root.add_subcommand(name, description);
  command->footer(keys);
  command->add_option("--channel", values.channels, "Only this channel; can be given several times")
      ->allow_extra_args(false);
  return command;
}

void AddFilters(CLI::App& command, Values& values) {
  CLI::Option* sku = command.add_option("--sku-prefix", values.sku_prefix, "Only SKUs that begin with this");
  command
      .add_option("--name-prefix", values.name_prefix, "Only names that begin with this, whatever the case")
      ->excludes(sku);
  AddLimit(command, values.limit);
}

void PrintNotInPos(App& app, const Values& values, Client& client) {
  auto request = RequestOf<v1::ListNotInPosRequest>(app, values);
  for (const v1::ListingState state : values.states) request.add_states(state);
  if (values.reasons) {
    PrintPages(app, kExplainedColumns, client.ListNotInPosWithReasons(request), values.limit, &ExplainedRow);
  } else {
    PrintPages(app, kListingColumns, client.ListNotInPos(request), values.limit, &ListingRow);
  }
}

void PrintNotInPosSummary(App& app, const Values& values, const Client& client) {
  Client patient = app.timeout_seconds ? client : client.WithTimeout(kSummaryTimeout);
  const absl::StatusOr<std::vector<v1::NotInPosSummary>> summaries =
      patient.SummarizeNotInPos(app.MerchantResource(), app.ChannelResources(values.channels));
  if (!app.Check(summaries.status())) return;
  RowPrinter printer(app, kSummaryColumns);
  for (const v1::NotInPosSummary& summary : *summaries) {
    for (const v1::NotInPosCount& count : summary.counts()) {
      printer.Print({{"channel", ChannelId(summary.channel())},
                     {"reason", ReasonText(count.reason())},
                     {"listings", count.listings()}});
    }
  }
}

void AddNotInPos(CLI::App& root, App& app, const std::shared_ptr<Values>& values) {
  CLI::App* command = AddView(
      root, *values, "not-in-pos", "Live listings whose SKU is no variant's",
      "Keys of --output jsonl: channel, listing_id, item_id, name, sku, state, price, currency, stock, "
      "gtin;\n"
      "with --reasons also reason, differences, candidate_product_id, candidate_variant_id, candidate_name,\n"
      "candidate_sku, other_candidates; with --summary channel, reason, listings.");
  AddFilters(*command, *values);
  CLI::Option* states =
      command
          ->add_option("--state", values->states,
                       "Show listings in this state instead of live; can be given several times")
          ->allow_extra_args(false)
          ->transform(CLI::CheckedTransformer(
              std::map<std::string, v1::ListingState>{{"live", v1::LISTING_STATE_LIVE},
                                                      {"inactive", v1::LISTING_STATE_INACTIVE},
                                                      {"pending", v1::LISTING_STATE_PENDING},
                                                      {"suspended", v1::LISTING_STATE_SUSPENDED},
                                                      {"deleted", v1::LISTING_STATE_DELETED},
                                                      {"unknown", v1::LISTING_STATE_UNKNOWN}},
              CLI::ignore_case))
          ->option_text("live|inactive|pending|suspended|deleted|unknown");
  CLI::Option* reasons = command->add_flag("--reasons", values->reasons,
                                           "Also say why, and the variant of the POS that may be meant");
  CLI::Option* summary =
      command->add_flag("--summary", values->summary, "Count the live listings of each channel by reason");
  summary->excludes(states)->excludes(reasons);
  for (const char* filter : {"--sku-prefix", "--name-prefix", "--limit"}) {
    summary->excludes(command->get_option(filter));
  }
  OnCommand(*command, app, [&app, values](Client client) {
    if (values->summary) {
      PrintNotInPosSummary(app, *values, client);
    } else {
      PrintNotInPos(app, *values, client);
    }
  });
}

}  // namespace

void AddMenuCommands(CLI::App& root, App& app) {
  const auto values = std::make_shared<Values>();

  CLI::App* sold =
      AddView(root, *values, "sold-in-channel", "Variants with a live listing on a channel", kVariantKeys);
  AddFilters(*sold, *values);
  OnCommand(*sold, app, [&app, values](Client client) {
    PrintPages(app, kVariantColumns,
               client.ListSoldInChannel(RequestOf<v1::ListSoldInChannelRequest>(app, *values)), values->limit,
               &VariantRow);
  });

  AddNotInPos(root, app, values);

  CLI::App* not_in_channel =
      AddView(root, *values, "not-in-channel", "Variants live on a channel and missing on another",
              std::string(kVariantKeys, sizeof(kVariantKeys) - 2) + ", missing_channels.");
  AddFilters(*not_in_channel, *values);
  OnCommand(*not_in_channel, app, [&app, values](Client client) {
    PrintPages(app, kNotInChannelColumns,
               client.ListNotInChannel(RequestOf<v1::ListNotInChannelRequest>(app, *values)), values->limit,
               &NotInChannelRow);
  });

  CLI::App* in_pos =
      AddView(root, *values, "in-pos", "Every variant of the POS, with where it is sold", kVariantKeys);
  AddFilters(*in_pos, *values);
  OnCommand(*in_pos, app, [&app, values](Client client) {
    PrintPages(app, kVariantColumns, client.ListInPos(RequestOf<v1::ListInPosRequest>(app, *values)),
               values->limit, &VariantRow);
  });

  CLI::App* multiple =
      AddView(root, *values, "multiple-listing", "Live listings of one channel that share a SKU",
              "Keys of --output jsonl: channel, sku_key, listing_count, listing_ids (the first 1,000; more "
              "follow in further rows), "
              "product_id, variant_id.");
  AddFilters(*multiple, *values);
  OnCommand(*multiple, app, [&app, values](Client client) {
    PrintPages(app, kMultipleColumns,
               client.ListMultipleListings(RequestOf<v1::ListMultipleListingsRequest>(app, *values)),
               values->limit, &MultipleRow);
  });

  CLI::App* statistic = AddView(
      root, *values, "statistic", "The numbers of each channel",
      "Keys of --output jsonl: channel, live_product_skus, live_product_products, sold_in_channel_skus,\n"
      "sold_in_channel_products, not_in_pos_skus, not_in_pos_products, not_in_channel, multiple_listings,\n"
      "listings_by_state, last_scan_time, complete.");
  OnCommand(*statistic, app, [&app, values](Client client) {
    const absl::StatusOr<std::vector<v1::ChannelStatistic>> statistics =
        client.ListChannelStatistics(app.MerchantResource(), app.ChannelResources(values->channels));
    if (!app.Check(statistics.status())) return;
    RowPrinter printer(app, kStatisticColumns);
    for (const v1::ChannelStatistic& channel : *statistics) printer.Print(StatisticRow(channel));
  });
}

}  // namespace skulink::cli
