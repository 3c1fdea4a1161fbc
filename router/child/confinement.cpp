// SPDX-License-Identifier: Apache-2.0
#include "child/confinement.h"

#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace standpipe::child {
namespace {

std::string because(int problem) { return ": " + std::generic_category().message(problem); }

}  // namespace

std::optional<std::string> limit_memory(std::uint64_t bytes) {
  if (bytes == 0) return std::nullopt;
  rlimit limit{};
  if (::getrlimit(RLIMIT_DATA, &limit) == 0) {
    limit.rlim_max = std::min<rlim_t>(limit.rlim_max, bytes);
    limit.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_DATA, &limit) == 0) return std::nullopt;
  }
  return "its memory cannot be limited" + because(errno);
}

std::optional<std::string> become_user(const std::string& user) {
  if (user.empty()) return std::nullopt;
  errno = 0;
  const auto* found = ::getpwnam(user.c_str());
  if (!found) return "there is no user " + user + (errno ? because(errno) : "");
  const auto uid = found->pw_uid;
  const auto gid = found->pw_gid;
  if (::geteuid() == uid) return std::nullopt;
  if (::geteuid() != 0)
    return "it cannot become user " + user + ": only a hub that root runs can do that";
  if (::initgroups(user.c_str(), gid) == 0 && ::setresgid(gid, gid, gid) == 0 &&
      ::setresuid(uid, uid, uid) == 0 && (uid == 0 || ::setuid(0) != 0))
    return std::nullopt;
  return "it cannot become user " + user + because(errno);
}

void leave_group() {
  (void)::setpgid(0, 0);
  (void)::signal(SIGTTOU, SIG_IGN);
}

bool die_with(pid_t parent) {
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
  return ::getppid() == parent;
}

}  // namespace standpipe::child
