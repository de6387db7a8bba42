#include <memory>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "client/cli/app.h"
#include "client/cli/job_output.h"

namespace skulink::cli {
namespace {

struct Values {
  std::vector<std::string> channels;
  bool confirm = false;
  ScanSelection selection;
};

absl::StatusOr<v1::Job> ScanOne(Client client, const std::string& channel, const Values& values,
                                const OnJobProgress& on_progress, const std::stop_token& stop) {
  absl::StatusOr<v1::Job> job = client.Scan(channel, on_progress, stop, values.selection);
  if (!job.ok() || job->state() != v1::JOB_STATE_NEEDS_CONFIRMATION || !values.confirm) return job;
  job = client.ConfirmJob(job->name());
  if (!job.ok()) return job;
  return client.WatchJob(job->name(), on_progress, stop);
}

// In their order, each once.
std::vector<std::string> Distinct(const App& app, const std::vector<std::string>& ids_or_names) {
  std::vector<std::string> distinct;
  std::set<std::string> seen;
  for (const std::string& channel : ids_or_names) {
    if (seen.insert(app.ChannelResource(channel)).second) distinct.push_back(channel);
  }
  return distinct;
}

void Scan(App& app, const Client& client, const Values& values) {
  const Interrupt interrupt;
  ProgressBoard board(values.channels);
  std::vector<absl::StatusOr<v1::Job>> results(values.channels.size());
  {
    std::vector<std::jthread> scans;
    for (std::size_t i = 0; i < values.channels.size(); ++i) {
      scans.emplace_back([&, i] {
        results[i] = ScanOne(
            client, app.ChannelResource(values.channels[i]), values,
            [&board, i](const v1::Job& job) { board.Show(i, job); }, interrupt.token());
      });
    }
  }

  {
    RowPrinter printer(app, kJobColumns);
    for (const absl::StatusOr<v1::Job>& job : results) {
      if (job.ok()) printer.Print(JobRow(*job));
    }
  }
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (results[i].ok()) {
      ExplainJob(app, *results[i]);
    } else if (absl::IsCancelled(results[i].status()) && interrupt.token().stop_requested()) {
      ExplainInterrupt(app, board.JobName(i));
      app.exit_code = kInterrupted;
    } else {
      app.Check(results[i].status());
    }
  }
}

}  // namespace

void AddScanCommand(CLI::App& root, App& app) {
  CLI::App* command =
      root.add_subcommand("scan", "Scan channels: read all their listings and match them by SKU");
  const auto values = std::make_shared<Values>();
  command->add_option("CHANNEL", values->channels, "Channels to scan, at the same time")->required();
  command->add_flag("--confirm", values->confirm,
                    "Confirm a scan that needs it: listings that it did not see are removed");
  CLI::Option* const updated =
      command->add_flag("--updated", values->selection.updated, "Only what changed since the last scan");
  command
      ->add_option("--item", values->selection.item_ids,
                   "Only these items, by their ids at the Seller Center; of one channel")
      ->excludes(updated);
  command->footer(std::string("Ctrl-C ends the watching, not the scan.\n") + kJobKeys);
  OnCommand(*command, app, [&app, values](const Client& client) {
    Values distinct = *values;
    distinct.channels = Distinct(app, values->channels);
    if (!distinct.selection.item_ids.empty() && distinct.channels.size() > 1) {
      app.Check(absl::InvalidArgumentError("--item: items are of one channel; name only that one"));
      app.exit_code = kUsage;
      return;
    }
    Scan(app, client, distinct);
  });
}

}  // namespace skulink::cli
