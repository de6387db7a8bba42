#include <map>
#include <memory>

#include "absl/strings/numbers.h"
#include "client/cli/app.h"
#include "client/cli/rows.h"

namespace skulink::cli {
namespace {

const std::vector<Column> kColumns = {{"channel", "CHANNEL"},     {"name", "NAME"},
                                      {"platform", "PLATFORM"},   {"endpoint", "ENDPOINT"},
                                      {"stock_sync", "STOCK"},    {"percentage", "%", true},
                                      {"buffer", "BUFFER", true}, {"maximum", "MAXIMUM", true},
                                      {"price_sync", "PRICES"}};
const std::vector<Column> kCheckColumns = {{"channel", "CHANNEL"},
                                           {"shop_name", "SHOP"},
                                           {"shop_id", "SHOP ID"},
                                           {"listing_count", "LISTINGS", true},
                                           {"max_page_size", "PAGE SIZE", true},
                                           {"round_trip_milliseconds", "MS", true}};

const std::map<std::string, v1::Platform> kPlatforms = {
    {"shopee", v1::PLATFORM_SHOPEE},           {"tokopedia", v1::PLATFORM_TOKOPEDIA},
    {"tiktok_shop", v1::PLATFORM_TIKTOK_SHOP}, {"lazada", v1::PLATFORM_LAZADA},
    {"shopify", v1::PLATFORM_SHOPIFY},         {"woocommerce", v1::PLATFORM_WOOCOMMERCE},
    {"vendure", v1::PLATFORM_VENDURE},         {"other", v1::PLATFORM_OTHER}};

Row ChannelRow(const v1::Channel& channel) {
  Row row;
  row["channel"] = ChannelId(channel.name());
  row["name"] = channel.display_name();
  row["platform"] = LowerName(v1::Platform_Name(channel.platform()), "PLATFORM_");
  row["endpoint"] = channel.endpoint();
  const v1::StockSync& rule = channel.stock_sync();
  row["stock_sync"] = rule.enabled();
  row["percentage"] = rule.percentage() == 0 ? 100 : rule.percentage();
  row["buffer"] = rule.buffer();
  row["maximum"] = rule.has_maximum() ? Row(rule.maximum()) : Row(nullptr);
  row["price_sync"] = channel.price_sync().enabled();
  row["create_time"] = TimeOrNull(channel.has_create_time(), channel.create_time());
  return row;
}

Row CheckRow(const std::string& id, const v1::CheckChannelResponse& answer) {
  Row row;
  row["channel"] = id;
  row["shop_name"] = answer.shop_display_name();
  row["shop_id"] = answer.shop_id();
  row["listing_count"] = answer.has_listing_count() ? Row(answer.listing_count()) : Row(nullptr);
  row["max_page_size"] = answer.max_page_size();
  row["max_items_per_get"] = answer.max_items_per_get();
  row["round_trip_milliseconds"] = answer.round_trip_milliseconds();
  return row;
}

struct Values {
  std::string id;
  std::string endpoint;
  std::string name;
  v1::Platform platform = v1::PLATFORM_UNSPECIFIED;
  std::string stock_sync, price_sync, maximum;
  std::int32_t percentage = 0;
  std::int64_t buffer = 0;
  int limit = 0;
};

CLI::Option* AddEndpoint(CLI::App& command, Values& values) {
  return command.add_option("--endpoint", values.endpoint,
                            "Where its Seller Center answers: grpc://host:port or grpcs://host:port");
}

void AddPlatformAndName(CLI::App& command, Values& values, const std::string& name_at_first) {
  command.add_option("--platform", values.platform, "Whose storefront it is")
      ->transform(OneOf(kPlatforms))
      ->option_text("shopee|tokopedia|tiktok_shop|lazada|shopify|woocommerce|vendure|other");
  command.add_option("--name", values.name, "What people call it" + name_at_first);
}

v1::Channel ChannelOf(const Values& values) {
  v1::Channel channel;
  channel.set_endpoint(values.endpoint);
  channel.set_platform(values.platform);
  channel.set_display_name(values.name);
  return channel;
}

// Puts what was given into the channel as it is, and returns the fields to update.
absl::StatusOr<std::vector<std::string>> Change(const CLI::App& given, const Values& values,
                                                v1::Channel& channel) {
  std::vector<std::string> fields;
  const auto has = [&](const char* option) { return given.count(option) > 0; };
  if (has("--endpoint")) {
    channel.set_endpoint(values.endpoint);
    fields.emplace_back("endpoint");
  }
  if (has("--name")) {
    channel.set_display_name(values.name);
    fields.emplace_back("display_name");
  }
  if (has("--platform")) {
    channel.set_platform(values.platform);
    fields.emplace_back("platform");
  }
  v1::StockSync& rule = *channel.mutable_stock_sync();
  if (has("--stock-sync")) rule.set_enabled(values.stock_sync == "on");
  if (has("--percentage")) rule.set_percentage(values.percentage);
  if (has("--buffer")) rule.set_buffer(values.buffer);
  if (has("--maximum")) {
    std::int64_t maximum = 0;
    if (values.maximum == "none") {
      rule.clear_maximum();
    } else if (absl::SimpleAtoi(values.maximum, &maximum)) {
      rule.set_maximum(maximum);
    } else {
      return absl::InvalidArgumentError("--maximum must be a number or none");
    }
  }
  if (has("--stock-sync") || has("--percentage") || has("--buffer") || has("--maximum")) {
    fields.emplace_back("stock_sync");
  }
  if (has("--price-sync")) {
    channel.mutable_price_sync()->set_enabled(values.price_sync == "on");
    fields.emplace_back("price_sync");
  }
  return fields;
}

void Set(App& app, Client& client, const CLI::App& given, const Values& values) {
  absl::StatusOr<v1::Channel> channel = client.GetChannel(app.ChannelResource(values.id));
  if (!app.Check(channel.status())) return;
  const absl::StatusOr<std::vector<std::string>> fields = Change(given, values, *channel);
  if (!app.Check(fields.status())) return;
  // No field at all would mean all of them.
  if (!fields->empty()) channel = client.UpdateChannel(*channel, *fields);
  if (app.Check(channel.status())) RowPrinter(app, kColumns).Print(ChannelRow(*channel));
}

void AddSet(CLI::App& group, App& app, const std::shared_ptr<Values>& values) {
  CLI::App* set = group.add_subcommand("set", "Change what is given of a channel; the rest stays");
  const auto on_off = [&](const char* option, std::string& value, const char* description) {
    set->add_option(option, value, description)->check(CLI::IsMember({"on", "off"}));
  };
  set->add_option("ID", values->id)->required();
  AddEndpoint(*set, *values);
  AddPlatformAndName(*set, *values, "");
  on_off("--stock-sync", values->stock_sync,
         "Send each change of a stock to the channel; at first everything, once");
  set->add_option("--percentage", values->percentage, "How much of a stock is offered: 1 to 1000");
  set->add_option("--buffer", values->buffer, "Units held back for the store");
  set->add_option("--maximum", values->maximum, "Units offered at most, or none");
  on_off("--price-sync", values->price_sync, "Send each change of a price");
  OnCommand(*set, app, [&app, values, set](Client client) { Set(app, client, *set, *values); });
}

}  // namespace

void AddChannelCommands(CLI::App& root, App& app) {
  CLI::App* group = root.add_subcommand("channel", "Channels: the merchant's shops at Seller Centers");
  group->require_subcommand(1);
  group->footer(
      "Keys of --output jsonl: channel, name, platform, endpoint, stock_sync, percentage, buffer, maximum, "
      "price_sync, "
      "create_time.\n"
      "check: channel, shop_name, shop_id, listing_count, max_page_size, max_items_per_get, "
      "round_trip_milliseconds.");

  const auto values = std::make_shared<Values>();
  CLI::App* add = group->add_subcommand("add", "Add a channel");
  add->add_option("ID", values->id, "1 to 63 of a-z, 0-9 and -, a letter first")->required();
  AddEndpoint(*add, *values)->required();
  AddPlatformAndName(*add, *values, "; at first the id");
  OnCommand(*add, app, [&app, values](Client client) {
    const absl::StatusOr<v1::Channel> created =
        client.CreateChannel(app.MerchantResource(), values->id, ChannelOf(*values));
    if (app.Check(created.status())) RowPrinter(app, kColumns).Print(ChannelRow(*created));
  });

  AddSet(*group, app, values);

  CLI::App* list = group->add_subcommand("list", "List the channels");
  AddLimit(*list, values->limit);
  OnCommand(*list, app, [&app, values](Client client) {
    PrintPages(app, kColumns, client.ListChannels(app.MerchantResource()), values->limit, &ChannelRow);
  });

  CLI::App* check =
      group->add_subcommand("check", "Reach the Seller Center, sign in, and show what it says of the shop");
  check->add_option("ID", values->id)->required();
  OnCommand(*check, app, [&app, values](Client client) {
    const absl::StatusOr<v1::CheckChannelResponse> answer =
        client.CheckChannel(app.ChannelResource(values->id));
    if (app.Check(answer.status())) RowPrinter(app, kCheckColumns).Print(CheckRow(values->id, *answer));
  });

  CLI::App* remove = group->add_subcommand(
      "remove", "Remove a channel with its listings and jobs; nothing changes at the Seller Center");
  remove->add_option("ID", values->id)->required();
  OnCommand(
      *remove, app,
      [&app, values](Client client) { app.Check(client.DeleteChannel(app.ChannelResource(values->id))); },
      absl::Hours(1));
}

}  // namespace skulink::cli
