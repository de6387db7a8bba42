#include <cstdio>
#include <iostream>
#include <map>

#include "client/cli/app.h"
#include "client/cli/terminal.h"
#include "google/protobuf/stubs/logging.h"

namespace {

// What CLI11 alone would call a missing command.
std::string UnknownCommand(const CLI::App& root) {
  for (const std::string& word : root.remaining(true)) {
    if (!word.starts_with('-')) return word;
  }
  return "";
}

int Explain(const CLI::App& root, const CLI::ParseError& error) {
  const bool none = dynamic_cast<const CLI::RequiredError*>(&error) != nullptr;
  if (const std::string unknown = none ? UnknownCommand(root) : ""; !unknown.empty()) {
    std::fprintf(stderr, "skulink: there is no command %s; see skulink --help\n",
                 skulink::cli::Escape(unknown).c_str());
    return skulink::cli::kUsage;
  }
  return root.exit(error) == 0 ? skulink::cli::kDone : skulink::cli::kUsage;
}

// Output that could not be written is no success.
int AfterOutput(int exit_code) {
  const bool written = std::fflush(stdout) == 0 && std::ferror(stdout) == 0 && std::cout.flush().good();
  if (written) return exit_code;
  std::fputs("skulink: cannot write the output\n", stderr);
  return skulink::cli::kFailed;
}

}  // namespace

int main(int argc, char** argv) {
  using skulink::cli::OutputFormat;
  // What protobuf has to say is said as an error of the row or the call.
  google::protobuf::SetLogHandler(nullptr);
  skulink::cli::App app;
  CLI::App root("Keeps a point-of-sale catalogue and its online shops in step: the client of skulinkd.",
                "skulink");
  root.set_version_flag("--version", SKULINK_VERSION);
  root.require_subcommand(1);
  // Global options may follow the command.
  root.fallthrough();
  root.add_option("--server", app.server, "host:port, or grpcs://host:port for TLS")
      ->envname(skulink::cli::kServerVariable)
      ->capture_default_str();
  root.add_option("--ca", app.ca_file, "PEM file of certificates that vouch for a grpcs:// server");
  root.add_option("--merchant", app.merchant, "Id of the merchant")->capture_default_str();
  root.add_option("--output", app.output,
                  "jsonl: one JSON object a row, with the keys in the command's --help")
      ->transform(skulink::cli::OneOf<OutputFormat>(
          {{"table", OutputFormat::kTable}, {"jsonl", OutputFormat::kJsonLines}}))
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
  skulink::cli::AddStockCommands(root, app);

  try {
    root.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return AfterOutput(Explain(root, error));
  }
  return AfterOutput(app.exit_code);
}
