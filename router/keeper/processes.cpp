// SPDX-License-Identifier: Apache-2.0
#include "keeper/processes.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/text.h"

namespace standpipe::keeper {
namespace {

// The fourth field of /proc/PID/stat, behind the name in brackets, which may contain anything. 0: gone.
pid_t parent_of(const std::filesystem::path& process) {
  std::ifstream file(process / "stat");
  std::string line;
  std::getline(file, line);
  const auto name_end = line.rfind(')');
  if (name_end == line.npos || line.size() < name_end + 5) return 0;
  const auto begin = name_end + 4;
  return static_cast<pid_t>(parse_integer(std::string_view(line).substr(begin, line.find(' ', begin) - begin)).value_or(0));
}

}  // namespace

// All of /proc, because /proc/PID/task/TID/children needs a kernel built for it. Asked for after a death only.
std::vector<pid_t> children() {
  std::vector<pid_t> found;
  const auto self = ::getpid();
  std::error_code problem;
  for (std::filesystem::directory_iterator it("/proc", problem), end; !problem && it != end; it.increment(problem)) {
    const auto pid = parse_integer(it->path().filename().native());
    if (pid && *pid > 0 && parent_of(it->path()) == self) found.push_back(static_cast<pid_t>(*pid));
  }
  return found;
}

std::string status_text(int status) {
  if (WIFEXITED(status)) return "status " + std::to_string(WEXITSTATUS(status));
  const auto* name = ::sigabbrev_np(WTERMSIG(status));
  return (name ? "SIG" + std::string(name) : "signal " + std::to_string(WTERMSIG(status))) +
         (WCOREDUMP(status) ? ", core dumped" : "");
}

void adopt_orphans() { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

void open_standard_streams() {
  int fd = 0;
  while (fd >= 0 && fd <= STDERR_FILENO) fd = ::open("/dev/null", O_RDWR);
  if (fd > STDERR_FILENO) ::close(fd);
}

}  // namespace standpipe::keeper
