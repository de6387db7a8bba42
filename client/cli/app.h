#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
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

inline constexpr char kDefaultServer[] = "127.0.0.1:50051";
inline constexpr char kServerVariable[] = "SKULINK_SERVER";
inline constexpr char kDefaultMerchant[] = "default";

// The global options, and what the chosen command ended with.
struct App {
  std::string server = kDefaultServer;
  std::string ca_file;  // empty: the system's certificates
  std::string merchant = kDefaultMerchant;
  OutputFormat output = OutputFormat::kTable;
  std::optional<double> timeout_seconds;
  int exit_code = kDone;

  // `merchants/default`, or what --merchant says.
  std::string MerchantResource() const;
  // A channel or a job by its id, or by its whole name.
  std::string ChannelResource(const std::string& id_or_name) const;
  std::vector<std::string> ChannelResources(const std::vector<std::string>& ids_or_names) const;
  std::string JobResource(const std::string& id_or_name) const;
  // How a command that is shown to people begins: `skulink`, with the global options that it needs here too.
  std::string Program() const;
  // A job as such a command names it.
  std::string ShownJob(const std::string& job_name) const;

  // With --timeout when given. `default_timeout` is for calls that take long by their nature.
  absl::StatusOr<Client> Connect(absl::Duration default_timeout = absl::Seconds(60)) const;

  // Prints the error, if it is one, and sets the exit code. Whether the status is OK.
  bool Check(const absl::Status& status);
};

// A command is a function of a connected client; failing to connect ends the program before.
void OnCommand(CLI::App& command, App& app, const std::function<void(Client)>& run,
               absl::Duration default_timeout = absl::Seconds(60));

// An option's value by its name, whatever the case. Unlike CLI11's own, it does not speak of numbers.
template <class Value>
CLI::Validator OneOf(const std::map<std::string, Value>& values) {
  return CLI::Validator(
      [values](std::string& text) -> std::string {
        const auto found = values.find(absl::AsciiStrToLower(text));
        if (found != values.end()) {
          text = std::to_string(static_cast<int>(found->second));
          return "";
        }
        std::string names;
        for (const auto& [name, value] : values) absl::StrAppend(&names, names.empty() ? "" : ", ", name);
        return absl::StrCat("must be one of ", names, "; it is ", text);
      },
      "");
}

inline constexpr int kLargestLimit = 1'000'000'000;
// `limit` is what it is at first.
inline void AddLimit(CLI::App& command, int& limit) {
  command.add_option("--limit", limit, "Rows at most; 0: all")
      ->check(CLI::Range(0, kLargestLimit))
      ->capture_default_str();
}

// The commands, a file each.
void AddMerchantCommands(CLI::App& root, App& app);
void AddImportCommand(CLI::App& root, App& app);
void AddChannelCommands(CLI::App& root, App& app);
void AddScanCommand(CLI::App& root, App& app);
void AddTransferCommands(CLI::App& root, App& app);
void AddJobCommands(CLI::App& root, App& app);
void AddMenuCommands(CLI::App& root, App& app);
void AddStockCommands(CLI::App& root, App& app);

// The id at the end of a resource name, decoded.
std::string ChannelId(const std::string& resource);
std::string JobId(const std::string& resource);
std::string MerchantId(const std::string& resource);

// `SUCCEEDED` or `succeeded` for JOB_STATE_SUCCEEDED: `prefix` is what to leave out.
std::string LowerName(const std::string& enum_value, std::string_view prefix);

}  // namespace skulink::cli
