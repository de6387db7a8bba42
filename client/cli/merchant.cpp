#include <memory>

#include "client/cli/app.h"
#include "client/cli/rows.h"
#include "common/names.h"

namespace skulink::cli {
namespace {

const std::vector<Column> kColumns = {{"merchant", "MERCHANT"},
                                      {"name", "NAME"},
                                      {"currency", "CURRENCY"},
                                      {"sku_case", "SKU CASE"},
                                      {"allow_negative_stock", "NEGATIVE STOCK"}};

Row MerchantRow(const v1::Merchant& merchant) {
  Row row;
  row["merchant"] = MerchantId(merchant.name());
  row["name"] = merchant.display_name();
  row["currency"] = merchant.currency_code();
  row["sku_case"] = LowerName(v1::SkuCase_Name(merchant.sku_case()), "SKU_CASE_");
  row["allow_negative_stock"] = merchant.allow_negative_stock();
  row["create_time"] = TimeOrNull(merchant.has_create_time(), merchant.create_time());
  return row;
}

void PrintMerchant(App& app, const absl::StatusOr<v1::Merchant>& merchant) {
  if (app.Check(merchant.status())) RowPrinter(app, kColumns).Print(MerchantRow(*merchant));
}

struct Values {
  std::string id;
  std::string name;
  std::string currency;
  std::string sku_case;
  std::string negative_stock;
  int limit = 0;
};

void AddValues(CLI::App& command, Values& values) {
  command.add_option("--name", values.name, "What people call it");
  command.add_option("--currency", values.currency,
                     "Of prices that come without one: ISO 4217, at first IDR");
  command.add_option("--sku-case", values.sku_case, "Whether ab-1 and AB-1 are two SKUs")
      ->check(CLI::IsMember({"sensitive", "ignore_case"}));
  command
      .add_option("--negative-stock", values.negative_stock,
                  "Whether `stock adjust` may take a stock below zero; at first off")
      ->check(CLI::IsMember({"on", "off"}));
}

v1::Merchant MerchantOf(const Values& values) {
  v1::Merchant merchant;
  merchant.set_display_name(values.name);
  merchant.set_currency_code(values.currency);
  if (values.sku_case == "sensitive") merchant.set_sku_case(v1::SKU_CASE_SENSITIVE);
  if (values.sku_case == "ignore_case") merchant.set_sku_case(v1::SKU_CASE_IGNORE_CASE);
  merchant.set_allow_negative_stock(values.negative_stock == "on");
  return merchant;
}

std::string ResourceOf(const App& app, const Values& values) {
  return values.id.empty() ? app.MerchantResource() : ToString(MerchantName{values.id});
}

}  // namespace

void AddMerchantCommands(CLI::App& root, App& app) {
  CLI::App* group = root.add_subcommand("merchant", "Merchants: the retailers");
  group->require_subcommand(1);
  group->footer(
      "Keys of --output jsonl: merchant, name, currency, sku_case, allow_negative_stock, create_time.");

  const auto values = std::make_shared<Values>();
  CLI::App* create = group->add_subcommand("create", "Create a merchant");
  create->add_option("ID", values->id, "1 to 63 of a-z, 0-9 and -, a letter first")->required();
  AddValues(*create, *values);
  OnCommand(*create, app, [&app, values](Client client) {
    PrintMerchant(app, client.CreateMerchant(values->id, MerchantOf(*values)));
  });

  CLI::App* get = group->add_subcommand("get", "Show a merchant");
  get->add_option("ID", values->id, "At first that of --merchant");
  OnCommand(*get, app, [&app, values](Client client) {
    PrintMerchant(app, client.GetMerchant(ResourceOf(app, *values)));
  });

  CLI::App* list = group->add_subcommand("list", "List the merchants");
  AddLimit(*list, values->limit);
  OnCommand(*list, app, [&app, values](Client client) {
    PrintPages(app, kColumns, client.ListMerchants(), values->limit, &MerchantRow);
  });

  CLI::App* update = group->add_subcommand("update", "Change what is given; the rest stays");
  update->add_option("ID", values->id, "At first that of --merchant");
  AddValues(*update, *values);
  // A change of --sku-case computes all views anew before the call returns.
  OnCommand(
      *update, app,
      [&app, values, update](Client client) {
        std::vector<std::string> fields;
        if (update->count("--name") > 0) fields.emplace_back("display_name");
        if (update->count("--currency") > 0) fields.emplace_back("currency_code");
        if (update->count("--sku-case") > 0) fields.emplace_back("sku_case");
        if (update->count("--negative-stock") > 0) fields.emplace_back("allow_negative_stock");
        v1::Merchant merchant = MerchantOf(*values);
        merchant.set_name(ResourceOf(app, *values));
        // No field at all would mean all of them.
        PrintMerchant(app, fields.empty() ? client.GetMerchant(merchant.name())
                                          : client.UpdateMerchant(merchant, fields));
      },
      absl::Hours(1));
}

}  // namespace skulink::cli
