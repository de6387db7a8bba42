#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace skulink::store {

// Starts a program in a session of its own (Ctrl-C on our terminal does not reach it), with no open file but
// standard output and error, both appended to `log`. The kernel sends it SIGTERM when the calling *thread*
// ends: call it from one that lives as long as the child may.
absl::StatusOr<pid_t> StartChild(const std::vector<std::string>& arguments, const std::filesystem::path& log);

// Waits for the end of a child and leaves it for waitpid. Returns how it ended: `exit status 1`, `signal 9`.
std::string AwaitChild(pid_t child);

// Where a program is: in PATH or in the folders of system programs, which PATH of a normal user lacks. Empty:
// nowhere.
std::string FindProgram(const std::string& name);

// Processes of the system that run one of the programs `names` with `argument` among their arguments.
std::vector<pid_t> FindProcesses(const std::vector<std::string>& names, const std::string& argument);

}  // namespace skulink::store
