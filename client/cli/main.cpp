#include <map>

#include "client/cli/app.h"

int main(int argc, char** argv) {
  using skulink::cli::OutputFormat;
  skulink::cli::App app;
  CLI::App root("Keeps a point-of-sale catalogue and its online shops in step: the client of skulinkd.",
                "skulink");
  root.set_version_flag("--version", SKULINK_VERSION);
  root.require_subcommand(1);
  // Global options may follow the command.
  root.fallthrough();
  root.add_option("--server", app.server, "host:port, or grpcs://host:port for TLS")
      ->envname("SKULINK_SERVER")
      ->capture_default_str();
  root.add_option("--merchant", app.merchant, "Id of the merchant")->capture_default_str();
  root.add_option("--output", app.output,
                  "jsonl: one JSON object a row, with the keys in the command's --help")
      ->transform(CLI::CheckedTransformer(std::map<std::string, OutputFormat>{
          {"table", OutputFormat::kTable}, {"jsonl", OutputFormat::kJsonLines}}))
      ->option_text("table|jsonl=table");
  root.add_option("--timeout", app.timeout_seconds,
                  "Seconds that a call may take; not for import, scan and watch")
      ->check(CLI::Range(0.001, 86400.0));
  root.footer(
      "Exit codes: 0 done; 1 refused by the server, or failed; 2 wrong use; 3 done, but some rows were "
      "refused;\n"
      "4 the server does not answer; 5 a scan needs confirmation; 130 interrupted.");

  skulink::cli::AddMerchantCommands(root, app);
  skulink::cli::AddImportCommand(root, app);
  skulink::cli::AddChannelCommands(root, app);
  skulink::cli::AddScanCommand(root, app);
  skulink::cli::AddTransferCommands(root, app);
  skulink::cli::AddJobCommands(root, app);
  skulink::cli::AddMenuCommands(root, app);

  try {
    root.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return root.exit(error) == 0 ? skulink::cli::kDone : skulink::cli::kUsage;
  }
  return app.exit_code;
}
