#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "skulink/client.h"

namespace skulink::cli {

// What the program answers to its caller. `--help` lists them.
enum ExitCode {
  kDone = 0,
  kFailed = 1,
  kUsage = 2,
  kRowsRefused = 3,
  kServerUnreachable = 4,
  kNeedsConfirmation = 5,
  kInterrupted = 130,
};

enum class OutputFormat { kTable, kJsonLines };

// The global options, and what the chosen command ended with.
struct App {
  std::string server = "127.0.0.1:50051";
  std::string merchant = "default";
  OutputFormat output = OutputFormat::kTable;
  std::optional<double> timeout_seconds;
  int exit_code = kDone;

  // `merchants/default`, or what --merchant says.
  std::string MerchantResource() const;
  // A channel or a job by its id, or by its whole name.
  std::string ChannelResource(const std::string& id_or_name) const;
  std::vector<std::string> ChannelResources(const std::vector<std::string>& ids_or_names) const;
  std::string JobResource(const std::string& id_or_name) const;

  // With --timeout when given. `default_timeout` is for calls that take long by their nature.
  absl::StatusOr<Client> Connect(absl::Duration default_timeout = absl::Seconds(60)) const;

  // Prints the error, if it is one, and sets the exit code. Whether the status is OK.
  bool Check(const absl::Status& status);
};

// A command is a function of a connected client; failing to connect ends the program before.
void OnCommand(CLI::App& command, App& app, const std::function<void(Client)>& run,
               absl::Duration default_timeout = absl::Seconds(60));

// The commands, a file each.
void AddMerchantCommands(CLI::App& root, App& app);
void AddImportCommand(CLI::App& root, App& app);
void AddChannelCommands(CLI::App& root, App& app);
void AddScanCommand(CLI::App& root, App& app);
void AddTransferCommands(CLI::App& root, App& app);
void AddJobCommands(CLI::App& root, App& app);
void AddMenuCommands(CLI::App& root, App& app);

// The id at the end of a resource name, decoded.
std::string ChannelId(const std::string& resource);
std::string JobId(const std::string& resource);
std::string MerchantId(const std::string& resource);

// `SUCCEEDED` or `succeeded` for JOB_STATE_SUCCEEDED: `prefix` is what to leave out.
std::string LowerName(const std::string& enum_value, std::string_view prefix);

}  // namespace skulink::cli
