#include "client/cli/app.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "client/cli/terminal.h"
#include "common/errors.h"
#include "common/names.h"

namespace skulink::cli {
namespace {

// Whether nobody answered: then there is no reason from the server.
bool IsUnreachable(const absl::Status& status) {
  return (absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status)) &&
         ReasonOf(status) == v1::ERROR_REASON_UNSPECIFIED;
}

std::string Details(const absl::Status& status) {
  std::string details;
  if (const v1::ErrorReason reason = ReasonOf(status); reason != v1::ERROR_REASON_UNSPECIFIED) {
    details = ReasonName(reason);
  }
  if (const std::string field = FieldOf(status); !field.empty()) {
    absl::StrAppend(&details, details.empty() ? "" : ", ", field);
  }
  return details.empty() ? "" : absl::StrCat(" (", details, ")");
}

}  // namespace

std::string App::MerchantResource() const { return ToString(MerchantName{merchant}); }

std::string App::ChannelResource(const std::string& id_or_name) const {
  return id_or_name.starts_with("merchants/") ? id_or_name : ToString(ChannelName{merchant, id_or_name});
}

std::vector<std::string> App::ChannelResources(const std::vector<std::string>& ids_or_names) const {
  std::vector<std::string> resources;
  for (const std::string& id : ids_or_names) resources.push_back(ChannelResource(id));
  return resources;
}

std::string App::JobResource(const std::string& id_or_name) const {
  return id_or_name.starts_with("merchants/") ? id_or_name : ToString(JobName{merchant, id_or_name});
}

std::string App::Program() const {
  std::string program = "skulink";
  // What the environment says, it will say to the next command too.
  const char* const in_environment = std::getenv(kServerVariable);
  if (server != (in_environment == nullptr ? kDefaultServer : in_environment)) {
    absl::StrAppend(&program, " --server ", server);
  }
  if (!ca_file.empty()) absl::StrAppend(&program, " --ca ", ca_file);
  if (merchant != kDefaultMerchant) absl::StrAppend(&program, " --merchant ", merchant);
  return Escape(program);
}

std::string App::ShownJob(const std::string& job_name) const {
  const absl::StatusOr<JobName> name = ParseJobName(job_name, "job");
  return Escape(name.ok() && name->merchant == merchant ? name->job : job_name);
}

absl::StatusOr<Client> App::Connect(absl::Duration default_timeout) const {
  ClientOptions options;
  options.server = server;
  if (!ca_file.empty()) {
    std::ifstream file(ca_file, std::ios::binary);
    options.root_certificates.assign(std::istreambuf_iterator<char>(file), {});
    if (!file || options.root_certificates.empty()) {
      return InvalidField("--ca", v1::ERROR_REASON_FORMAT_INVALID,
                          absl::StrCat("must name a file of certificates; ", ca_file, " cannot be read"));
    }
  }
  options.timeout = timeout_seconds.has_value() ? absl::Seconds(*timeout_seconds) : default_timeout;
  return Client::Connect(options);
}

bool App::Check(const absl::Status& status) {
  if (status.ok()) return true;
  const bool unreachable = IsUnreachable(status);
  std::string message = absl::StrCat(std::string(status.message()), Details(status));
  if (unreachable) {
    message = absl::StrCat(absl::IsDeadlineExceeded(status) ? "no answer in time from " : "no answer from ",
                           server, ": ", message);
  }
  std::fprintf(stderr, "skulink: %s\n", Escape(message).c_str());
  exit_code = unreachable ? kServerUnreachable : kFailed;
  return false;
}

void OnCommand(CLI::App& command, App& app, const std::function<void(Client)>& run,
               absl::Duration default_timeout) {
  command.callback([&app, run, default_timeout] {
    const absl::StatusOr<Client> client = app.Connect(default_timeout);
    if (app.Check(client.status())) {
      run(*client);
    } else {
      app.exit_code = kUsage;
    }
  });
}

std::string ChannelId(const std::string& resource) {
  const absl::StatusOr<ChannelName> name = ParseChannelName(resource, "channel");
  return name.ok() ? name->channel : resource;
}

std::string JobId(const std::string& resource) {
  const absl::StatusOr<JobName> name = ParseJobName(resource, "job");
  return name.ok() ? name->job : resource;
}

std::string MerchantId(const std::string& resource) {
  const absl::StatusOr<MerchantName> name = ParseMerchantName(resource, "merchant");
  return name.ok() ? name->merchant : resource;
}

std::string LowerName(const std::string& enum_value, std::string_view prefix) {
  std::string_view name = enum_value;
  if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  return absl::AsciiStrToLower(std::string(name));
}

}  // namespace skulink::cli
