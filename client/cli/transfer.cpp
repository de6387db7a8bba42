// `skulink download` and `skulink upload`.
#include <cstdio>
#include <map>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cli/app.h"
#include "client/cli/job_output.h"
#include "client/cli/rows.h"
#include "common/errors.h"
#include "common/names.h"
#include "common/sku_key.h"
#include "common/text.h"

namespace skulink::cli {
namespace {

const std::vector<Column> kSummaryColumns = {
    {"outcome", "OUTCOME"}, {"reason", "REASON"}, {"count", "COUNT", true}};

struct Values {
  std::string channel;
  DownloadSelection download;
  UploadSelection upload;
  std::vector<std::string> skus;
  int limit = 50;
};

// What became of the listings or variants: how many of each outcome and reason, then those that were not
// created.
void PrintReport(App& app, Client& client, const v1::Job& job, int limit) {
  std::map<std::pair<std::string, std::string>, std::int64_t> counts;
  std::vector<Row> not_created;
  bool more = false;
  Pages<v1::JobItem> items = client.ListJobItems(job.name());
  for (const v1::JobItem& item : items) {
    Row row = JobItemRow(item);
    const std::string reason = item.reason() == v1::ERROR_REASON_UNSPECIFIED ? "" : ReasonName(item.reason());
    ++counts[{row["outcome"].get<std::string>(), reason}];
    if (item.outcome() == v1::JOB_ITEM_OUTCOME_CREATED) continue;
    more = limit > 0 && std::cmp_equal(not_created.size(), limit);
    if (!more) not_created.push_back(std::move(row));
  }
  if (!app.Check(items.status())) return;
  {
    RowPrinter printer(app, kSummaryColumns);
    for (const auto& [kind, count] : counts) {
      Row row;
      row["outcome"] = kind.first;
      row["reason"] = TextOrNull(kind.second);
      row["count"] = count;
      printer.Print(row);
    }
  }
  if (not_created.empty()) return;
  if (app.output == OutputFormat::kTable) std::printf("\n");
  RowPrinter printer(app, kJobItemColumns);
  for (const Row& row : not_created) printer.Print(row);
  if (more) NoteLength(static_cast<int>(not_created.size()), more);
}

void Follow(App& app, Client client, const absl::StatusOr<v1::Job>& started, int limit) {
  if (!app.Check(started.status())) return;
  const Interrupt interrupt;
  ProgressBoard board({ChannelId(started->channel())});
  const absl::StatusOr<v1::Job> job = client.WatchJob(
      started->name(), [&board](const v1::Job& state) { board.Show(0, state); }, interrupt.token());
  if (absl::IsCancelled(job.status()) && interrupt.token().stop_requested()) {
    ExplainInterrupt(app, started->name());
    app.exit_code = kInterrupted;
    return;
  }
  if (!app.Check(job.status())) return;
  PrintReport(app, client, *job, limit);
  ExplainJob(app, *job);
  if (app.exit_code == kDone && job->transfer().failed() > 0) app.exit_code = kRowsRefused;
}

std::string ListingResource(const App& app, const std::string& channel, const std::string& id_or_name) {
  if (id_or_name.starts_with("merchants/")) return id_or_name;
  return ToString(ListingName{app.merchant, ChannelId(app.ChannelResource(channel)), id_or_name});
}

// The variant that has a SKU, by the merchant's rule.
absl::StatusOr<std::string> VariantOfSku(const App& app, const Client& client, const std::string& sku,
                                         SkuCase sku_case) {
  if (Trim(sku).empty()) return absl::InvalidArgumentError("--sku must not be empty");
  v1::ListInPosRequest request;
  request.set_parent(app.MerchantResource());
  request.set_sku_prefix(std::string(Trim(sku)));
  Pages<v1::MenuVariant> variants = Client(client).ListInPos(request);
  // The view is in the order of keys, so the one that is no longer than its prefix comes first.
  if (const auto first = variants.begin(); first != variants.end()) {
    if (SkuKey(first->sku(), sku_case) == SkuKey(sku, sku_case)) return first->variant();
  }
  if (!variants.status().ok()) return variants.status();
  return absl::NotFoundError(absl::StrCat("no variant has the SKU ", sku));
}

void Upload(App& app, const Client& client, Values values) {
  for (std::string& product : values.upload.products) {
    if (!product.starts_with("merchants/")) product = ToString(ProductName{app.merchant, product});
  }
  SkuCase sku_case = SkuCase::kSensitive;
  if (!values.skus.empty()) {
    const absl::StatusOr<v1::Merchant> merchant = Client(client).GetMerchant(app.MerchantResource());
    if (!app.Check(merchant.status())) return;
    if (merchant->sku_case() == v1::SKU_CASE_IGNORE_CASE) sku_case = SkuCase::kIgnore;
  }
  for (const std::string& sku : values.skus) {
    absl::StatusOr<std::string> variant = VariantOfSku(app, client, sku, sku_case);
    if (!app.Check(variant.status())) return;
    values.upload.variants.push_back(*std::move(variant));
  }
  const std::string channel = app.ChannelResource(values.channel);
  Follow(app, client, Client(client).StartUpload(channel, values.upload), values.limit);
}

CLI::App* AddTransfer(CLI::App& root, const std::string& name, const std::string& description,
                      const std::shared_ptr<Values>& values) {
  CLI::App* command = root.add_subcommand(name, description);
  command->add_option("CHANNEL", values->channel)->required();
  command->add_option("--limit", values->limit, "Rows that were not created, at most; 0: all")
      ->check(CLI::Range(0, kLargestLimit))
      ->capture_default_str();
  command->footer(
      "Ctrl-C ends the watching, not the job.\n"
      "Prints how many had each outcome and reason, then those that were not created.\n"
      "Keys of --output jsonl: outcome, reason, count; then\n"
      "listing_id, item_id, variant, outcome, reason, field, description.\n"
      "Exit code 3: done, but some were refused.");
  return command;
}

}  // namespace

void AddTransferCommands(CLI::App& root, App& app) {
  const auto down = std::make_shared<Values>();
  CLI::App* download =
      AddTransfer(root, "download", "Make POS products of a channel's listings that are Not In POS", down);
  CLI::Option_group* what = download->add_option_group("what");
  what->add_flag("--all", down->download.all, "All that is Not In POS");
  what->add_option("--listing", down->download.listings, "These listings, by id");
  what->add_option("--item", down->download.item_ids, "All listings of these items, by id");
  what->require_option(1, 2);
  download->add_flag("--with-stock", down->download.with_stock, "Take the listings' stock too");
  download->add_flag("--dry-run", down->download.validate_only, "Report what it would do, and do nothing");
  OnCommand(*download, app, [&app, down](const Client& client) {
    DownloadSelection selection = down->download;
    for (std::string& listing : selection.listings) listing = ListingResource(app, down->channel, listing);
    Follow(app, client, Client(client).StartDownload(app.ChannelResource(down->channel), selection),
           down->limit);
  });

  const auto up = std::make_shared<Values>();
  CLI::App* upload = AddTransfer(root, "upload", "Make listings of POS variants that a channel lacks", up);
  what = upload->add_option_group("what");
  what->add_flag("--all", up->upload.all, "All that is Not In Channel: live elsewhere and not there");
  what->add_option("--product", up->upload.products, "All variants of these products, by id");
  what->add_option("--sku", up->skus, "The variants that have these SKUs");
  what->require_option(1, 2);
  upload->add_flag("--dry-run", up->upload.validate_only, "Report what it would do, and do nothing");
  OnCommand(*upload, app, [&app, up](const Client& client) { Upload(app, client, *up); });
}

}  // namespace skulink::cli
