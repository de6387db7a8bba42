#include "server/store/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/errors.h"

namespace skulink::store {
namespace {

absl::Status CannotStart(const std::string& program, int error) {
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_STORE_UNAVAILABLE,
               absl::StrCat("cannot start ", program, ": ", std::strerror(error)));
}

// In the child, between fork and exec: only what is safe when other threads held locks while we forked.
[[noreturn]] void RunChild(char* const* arguments, int log, int failed, pid_t parent) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  setsid();
  umask(077);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(127);  // it died before prctl
  int nothing = open("/dev/null", O_RDONLY);
  dup2(nothing, STDIN_FILENO);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  // The pipe closes by itself when exec succeeds.
  int report = dup2(failed, 3);
  fcntl(report, F_SETFD, FD_CLOEXEC);
  close_range(4, ~0U, 0);
  execv(arguments[0], arguments);
  int error = errno;
  [[maybe_unused]] ssize_t written = write(report, &error, sizeof error);
  _exit(127);
}

}  // namespace

absl::StatusOr<pid_t> StartChild(const std::vector<std::string>& arguments,
                                 const std::filesystem::path& log) {
  std::vector<char*> pointers;
  for (const std::string& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  int log_file = open(log.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (log_file < 0) return CannotStart(arguments[0], errno);
  int failed[2];
  if (pipe2(failed, O_CLOEXEC) != 0) {
    int error = errno;
    close(log_file);
    return CannotStart(arguments[0], error);
  }
  pid_t parent = getpid();
  pid_t child = fork();
  int error = child < 0 ? errno : 0;
  if (child == 0) RunChild(pointers.data(), log_file, failed[1], parent);
  close(log_file);
  close(failed[1]);
  if (child > 0 && read(failed[0], &error, sizeof error) == sizeof error) waitpid(child, nullptr, 0);
  close(failed[0]);
  if (error != 0) return CannotStart(arguments[0], error);
  return child;
}

std::string AwaitChild(pid_t child) {
  siginfo_t info{};
  while (waitid(P_PID, child, &info, WEXITED | WNOWAIT) != 0) {
    if (errno != EINTR) return std::strerror(errno);
  }
  return absl::StrCat(info.si_code == CLD_EXITED ? "exit status " : "signal ", info.si_status);
}

std::string FindProgram(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::string folders =
      absl::StrCat(path != nullptr ? path : "", ":/usr/local/sbin:/usr/sbin:/usr/local/bin:/usr/bin");
  for (const std::string& folder :
       std::vector<std::string>(absl::StrSplit(folders, ':', absl::SkipEmpty()))) {
    std::string program = absl::StrCat(folder, "/", name);
    if (access(program.c_str(), X_OK) == 0) return program;
  }
  return "";
}

std::vector<pid_t> FindProcesses(const std::vector<std::string>& names, const std::string& argument) {
  std::vector<pid_t> found;
  std::error_code error;  // processes come and go
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    std::string number = entry.path().filename();
    pid_t process = 0;
    auto [end, failed] = std::from_chars(number.data(), number.data() + number.size(), process);
    if (failed != std::errc() || *end != '\0') continue;
    // One that ends while it is read is an error here, where an iterator of the file would throw.
    std::ostringstream text;
    text << std::ifstream(entry.path() / "cmdline", std::ios::binary).rdbuf();
    std::vector<std::string> arguments = absl::StrSplit(text.str(), '\0');
    std::string program = std::filesystem::path(arguments[0]).filename();
    if (std::find(names.begin(), names.end(), program) != names.end() &&
        std::find(arguments.begin() + 1, arguments.end(), argument) != arguments.end()) {
      found.push_back(process);
    }
  }
  return found;
}

}  // namespace skulink::store
