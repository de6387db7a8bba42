#include <map>
#include <memory>

#include "absl/strings/str_cat.h"
#include "client/cli/app.h"
#include "client/cli/job_output.h"
#include "client/cli/rows.h"
#include "common/names.h"

namespace skulink::cli {
namespace {

constexpr char kOutcomePrefix[] = "PUSH_OUTCOME_";
const std::vector<Column> kStockColumns = {{"variant", "VARIANT"}, {"sku", "SKU"}, {"stock", "STOCK", true}};
const std::vector<Column> kPushColumns = {{"channel", "CHANNEL"},
                                          {"listing_id", "LISTING"},
                                          {"sku", "SKU"},
                                          {"kind", "KIND"},
                                          {"quantity", "QUANTITY", true},
                                          {"price", "PRICE", true},
                                          {"currency", "CURRENCY"},
                                          {"outcome", "OUTCOME"},
                                          {"attempts", "ATTEMPTS", true},
                                          {"age_seconds", "AGE S", true},
                                          {"next_attempt_time", "NEXT ATTEMPT"},
                                          {"description", "DESCRIPTION"}};

std::map<std::string, v1::PushOutcome> Outcomes() {
  std::map<std::string, v1::PushOutcome> outcomes;
  for (int value = v1::PushOutcome_MIN + 1; value <= v1::PushOutcome_MAX; ++value) {
    const auto outcome = static_cast<v1::PushOutcome>(value);
    outcomes[LowerName(v1::PushOutcome_Name(outcome), kOutcomePrefix)] = outcome;
  }
  return outcomes;
}

Row StockRow(const v1::VariantStock& stock) {
  Row row;
  row["variant"] = stock.variant();
  row["sku"] = stock.sku();
  row["stock"] = stock.stock();
  return row;
}

Row PushRow(const v1::Push& push) {
  Row row;
  const absl::StatusOr<ListingName> listing = ParseListingName(push.listing(), "listing");
  row["channel"] = listing.ok() ? listing->channel : "";
  row["listing_id"] = listing.ok() ? listing->listing : push.listing();
  row["variant"] = push.variant();
  row["sku"] = push.sku();
  row["kind"] = LowerName(v1::PushKind_Name(push.kind()), "PUSH_KIND_");
  row["quantity"] = push.kind() == v1::PUSH_KIND_STOCK ? Row(push.quantity()) : Row(nullptr);
  PutPrice(row, push.has_price(), push.price());
  row["outcome"] = LowerName(v1::PushOutcome_Name(push.outcome()), kOutcomePrefix);
  row["attempts"] = push.attempts();
  row["age_seconds"] = push.age().seconds();
  row["change_time"] = TimeOrNull(push.has_change_time(), push.change_time());
  row["attempt_time"] = TimeOrNull(push.has_attempt_time(), push.attempt_time());
  row["next_attempt_time"] = TimeOrNull(push.has_next_attempt_time(), push.next_attempt_time());
  row["apply_time"] = TimeOrNull(push.has_apply_time(), push.apply_time());
  row["description"] = TextOrNull(push.description());
  return row;
}

v1::VariantSelector SelectorOf(const std::string& sku_or_name) {
  v1::VariantSelector selector;
  if (sku_or_name.starts_with("merchants/")) {
    selector.set_name(sku_or_name);
  } else {
    selector.set_sku(sku_or_name);
  }
  return selector;
}

void PrintStocks(App& app, const absl::StatusOr<std::vector<v1::VariantStock>>& stocks) {
  if (!app.Check(stocks.status())) return;
  RowPrinter printer(app, kStockColumns);
  for (const v1::VariantStock& stock : *stocks) printer.Print(StockRow(stock));
}

struct Values {
  std::string variant;
  std::int64_t quantity = 0;
  std::string channel;
  std::vector<v1::PushOutcome> outcomes;
  int limit = 50;
  bool watch = false;
};

void List(App& app, Client& client, const Values& values) {
  v1::ListPushesRequest request;
  request.set_parent(app.MerchantResource());
  if (!values.variant.empty()) *request.mutable_variant() = SelectorOf(values.variant);
  if (!values.channel.empty()) request.set_channel(app.ChannelResource(values.channel));
  for (const v1::PushOutcome outcome : values.outcomes) request.add_outcomes(outcome);
  PrintPages(app, kPushColumns, client.ListPushes(request), values.limit, &PushRow);
}

// Prints all pushes of the variant, then each one whenever it changed.
void Watch(App& app, Client& client, const Values& values) {
  const Interrupt interrupt;
  std::map<std::string, std::string> printed;
  const auto print = [&](const std::vector<v1::Push>& pushes) {
    RowPrinter printer(app, kPushColumns);
    for (const v1::Push& push : pushes) {
      v1::Push without_age(push);
      without_age.clear_age();
      std::string now = without_age.SerializeAsString();
      std::string& before = printed[absl::StrCat(push.listing(), " ", push.kind())];
      if (now == before) continue;
      before = std::move(now);
      printer.Print(PushRow(push));
    }
  };
  const absl::Status status =
      client.WatchPushes(app.MerchantResource(), SelectorOf(values.variant), print, interrupt.token());
  if (absl::IsCancelled(status) && interrupt.token().stop_requested()) {
    app.exit_code = kInterrupted;
  } else {
    app.Check(status);
  }
}

void AddStatus(CLI::App& group, App& app, const std::shared_ptr<Values>& values) {
  CLI::App* status = group.add_subcommand(
      "status", "Show what is, or was last, sent to the listings, and what became of it");
  CLI::Option* variant = status->add_option("VARIANT", values->variant, "A SKU, or a variant's name");
  CLI::Option* channel = status->add_option("--channel", values->channel, "Only listings of this channel");
  CLI::Option* outcome = status
                             ->add_option("--outcome", values->outcomes,
                                          "Only those with this outcome; may be given several times")
                             ->transform(OneOf(Outcomes()))
                             ->option_text("pending|applied|retrying|refused_reserved|...");
  AddLimit(*status, values->limit);
  status->add_flag("--watch", values->watch, "Go on and print each listing whenever it changes, until Ctrl-C")
      ->needs(variant)
      ->excludes(channel)
      ->excludes(outcome)
      ->excludes(status->get_option("--limit"));
  OnCommand(*status, app, [&app, values](Client client) {
    values->watch ? Watch(app, client, *values) : List(app, client, *values);
  });
}

}  // namespace

void AddStockCommands(CLI::App& root, App& app) {
  CLI::App* group =
      root.add_subcommand("stock", "Stock: set it, adjust it, and see how it reaches the channels");
  group->require_subcommand(1);
  group->footer(
      "Keys of --output jsonl: variant, sku, stock.\n"
      "status: channel, listing_id, variant, sku, kind, quantity, price, currency, outcome, attempts, "
      "age_seconds,\n"
      "change_time, attempt_time, next_attempt_time, apply_time, description.");
  const auto values = std::make_shared<Values>();

  CLI::App* set = group->add_subcommand("set", "Set the stock of a variant");
  set->add_option("VARIANT", values->variant, "Its SKU or its name")->required();
  set->add_option("QUANTITY", values->quantity, "Units on hand")->required();
  OnCommand(*set, app, [&app, values](Client client) {
    v1::StockSetting setting;
    *setting.mutable_variant() = SelectorOf(values->variant);
    setting.set_quantity(values->quantity);
    PrintStocks(app, client.SetStock(app.MerchantResource(), {setting}));
  });

  CLI::App* adjust = group->add_subcommand("adjust", "Add to the stock of a variant, or take from it");
  adjust->add_option("VARIANT", values->variant, "Its SKU or its name")->required();
  adjust->add_option("DELTA", values->quantity, "Units to add; below zero: to take")->required();
  OnCommand(*adjust, app, [&app, values](Client client) {
    v1::StockAdjustment adjustment;
    *adjustment.mutable_variant() = SelectorOf(values->variant);
    adjustment.set_delta(values->quantity);
    PrintStocks(app, client.AdjustStock(app.MerchantResource(), {adjustment}));
  });

  AddStatus(*group, app, values);
}

}  // namespace skulink::cli
