#include <memory>

#include "client/cli/app.h"
#include "client/cli/job_output.h"
#include "client/cli/rows.h"

namespace skulink::cli {
namespace {

const std::vector<Column> kListColumns = {{"channel", "CHANNEL"}, {"job", "JOB"},
                                          {"kind", "KIND"},       {"dry_run", "DRY RUN"},
                                          {"state", "STATE"},     {"create_time", "CREATED"},
                                          {"end_time", "ENDED"},  {"error_reason", "ERROR"}};
struct Values {
  std::string job;
  std::string channel;
  int limit = 50;
};

void ListJobs(App& app, Client& client, const Values& values) {
  const std::string channel = values.channel.empty() ? "" : app.ChannelResource(values.channel);
  PrintPages(app, kListColumns, client.ListJobs(app.MerchantResource(), channel), values.limit, &JobRow);
}

void PrintJob(App& app, const absl::StatusOr<v1::Job>& job) {
  if (app.Check(job.status())) RowPrinter(app, ColumnsOf(*job)).Print(JobRow(*job));
}

void Watch(App& app, Client& client, const std::string& name) {
  const absl::StatusOr<v1::Job> now = client.GetJob(name);
  if (!app.Check(now.status())) return;
  const Interrupt interrupt;
  ProgressBoard board({ChannelId(now->channel())});
  const absl::StatusOr<v1::Job> job = client.WatchJob(
      name, [&board](const v1::Job& state) { board.Show(0, state); }, interrupt.token());
  if (absl::IsCancelled(job.status()) && interrupt.token().stop_requested()) {
    ExplainInterrupt(app, name);
    app.exit_code = kInterrupted;
    return;
  }
  PrintJob(app, job);
  if (job.ok()) ExplainJob(app, *job);
}

}  // namespace

void AddJobCommands(CLI::App& root, App& app) {
  CLI::App* group =
      root.add_subcommand("jobs", "Jobs: list, show, watch, cancel, confirm; without any of these, list");
  group->require_subcommand(0, 1);
  group->footer(std::string(kJobKeys) +
                "\nitems: listing_id, item_id, variant, outcome, reason, field, description.");
  const auto values = std::make_shared<Values>();
  group->add_option("--channel", values->channel, "Only jobs of this channel");
  AddLimit(*group, values->limit);

  group->add_subcommand("list", "List the jobs, the newest first");
  OnCommand(*group, app, [&app, values, group](Client client) {
    if (group->get_subcommands().empty() || group->got_subcommand("list")) ListJobs(app, client, *values);
  });

  const auto add = [&](const std::string& name, const std::string& description,
                       const std::function<void(Client)>& run) {
    CLI::App* command = group->add_subcommand(name, description);
    command->add_option("JOB", values->job)->required();
    OnCommand(*command, app, run);
  };
  add("show", "Show a job as it is now",
      [&app, values](Client client) { PrintJob(app, client.GetJob(app.JobResource(values->job))); });
  add("watch", "Show a job's progress until it ends",
      [&app, values](Client client) { Watch(app, client, app.JobResource(values->job)); });
  add("cancel", "Stop a job; what it has written stays",
      [&app, values](Client client) { PrintJob(app, client.CancelJob(app.JobResource(values->job))); });
  add("confirm", "Let a job that needs confirmation remove the listings that it did not see",
      [&app, values](Client client) {
        const absl::StatusOr<v1::Job> job = client.ConfirmJob(app.JobResource(values->job));
        if (app.Check(job.status())) Watch(app, client, job->name());
      });
  add("items", "List what a job has to say of single listings", [&app, values](Client client) {
    PrintPages(app, kJobItemColumns, client.ListJobItems(app.JobResource(values->job)), values->limit,
               &JobItemRow);
  });
}

}  // namespace skulink::cli
