// SPDX-License-Identifier: Apache-2.0
#include "keeper/processes.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "base/text.h"

namespace standpipe::keeper {
namespace {

// The fields of /proc/PID/stat after the name in brackets, which may contain anything: the state,
// then numbers. Empty: the process is gone.
std::vector<std::string> stat_of(const std::filesystem::path& process) {
  std::ifstream file(process / "stat");
  std::string line;
  std::getline(file, line);
  const auto name_end = line.rfind(')');
  if (name_end == line.npos) return {};
  std::istringstream fields(line.substr(name_end + 1));
  return {std::istream_iterator<std::string>(fields), {}};
}

std::int64_t number_at(const std::vector<std::string>& fields, std::size_t index) {
  return index < fields.size() ? parse_integer(fields[index]).value_or(0) : 0;
}

// In stat_of.
constexpr std::size_t kState = 0, kParent = 1, kFlags = 6;
constexpr std::int64_t kExiting = 4;  // PF_EXITING in the kernel's sched.h

}  // namespace

// Scans all of /proc, because /proc/PID/task/TID/children needs a kernel built with it. Used only
// after a death.
std::vector<pid_t> children() {
  std::vector<pid_t> found;
  const auto self = ::getpid();
  std::error_code problem;
  for (std::filesystem::directory_iterator it("/proc", problem), end; !problem && it != end;
       it.increment(problem)) {
    const auto pid = parse_integer(it->path().filename().native());
    if (pid && *pid > 0 && number_at(stat_of(it->path()), kParent) == self)
      found.push_back(static_cast<pid_t>(*pid));
  }
  return found;
}

std::string status_text(int status) {
  if (WIFEXITED(status)) return "status " + std::to_string(WEXITSTATUS(status));
  const auto* name = ::sigabbrev_np(WTERMSIG(status));
  return (name ? "SIG" + std::string(name) : "signal " + std::to_string(WTERMSIG(status))) +
         (WCOREDUMP(status) ? ", core dumped" : "");
}

std::string remedy_of_death(int status) {
  rlimit limit{};
  const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  const bool may_be = signal == SIGXCPU || signal == SIGKILL;  // the latter at the hard limit
  if (!may_be || ::getrlimit(RLIMIT_CPU, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return {};
  return "a process may use " + counted(limit.rlim_cur, "second") +
         " of processor time here, which may be why: raise that limit (ulimit -t, LimitCPU=)";
}

bool is_ending(pid_t pid) {
  const auto fields = stat_of("/proc/" + std::to_string(pid));
  return fields.empty() || fields[kState] == "Z" || fields[kState] == "X" ||
         (number_at(fields, kFlags) & kExiting);
}

void adopt_orphans() { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }

void open_standard_streams() {
  int fd = 0;
  while (fd >= 0 && fd <= STDERR_FILENO) fd = ::open("/dev/null", O_RDWR);
  if (fd > STDERR_FILENO) ::close(fd);
}

}  // namespace standpipe::keeper
