// SPDX-License-Identifier: Apache-2.0
#include "keeper/successor.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "keeper/processes.h"

namespace standpipe::keeper {
namespace {

using namespace std::chrono_literals;

constexpr int kChildPolls = 100;  // of kChildPause, for a plugin's child to end after SIGTERM
// After SIGKILL. One that is another user's, or hangs in the kernel, is left to the next worker,
// and in the end to the keeper.
constexpr int kDeadChildPolls = 1000;
constexpr auto kChildPause = 10ms;

mode_t present_mask() {
  const auto mask = ::umask(077);
  ::umask(mask);
  return mask;
}

// false: no child is left.
bool reap() {
  pid_t pid = 0;
  while ((pid = ::waitpid(-1, nullptr, WNOHANG)) > 0) {
  }
  return pid == 0;
}

bool end_within(int polls) {
  for (; polls > 0 && reap(); --polls) std::this_thread::sleep_for(kChildPause);
  return polls > 0;
}

// Mostly there are none. Their own children come to the keeper, which adopts them.
void end_children() {
  if (!reap()) return;
  for (const auto pid : children()) ::kill(pid, SIGTERM);
  if (end_within(kChildPolls)) return;
  for (const auto pid : children()) ::kill(pid, SIGKILL);
  (void)end_within(kDeadChildPolls);
}

void forget_signals() {
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  const itimerval none{};
  for (const auto timer : {ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF})
    ::setitimer(timer, &none, nullptr);
}

}  // namespace

Successor::Successor()
    : folder_(::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC)), mask_(present_mask()) {}

int Successor::become(const Link& link, const std::vector<std::string>& arguments) const {
  const InheritedFds inherited_fds(link.socket(), link.all_entries());
  end_children();
  forget_signals();
  if (folder_) (void)!::fchdir(folder_.get());
  ::umask(mask_);
  // Where the kernel cannot, plugins are trusted to have opened theirs close-on-exec.
  (void)::syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
  const int problem =
      program_.replace(arguments, inherited_fds.inherited(), inherited_fds.variable());
  ::signal(SIGPIPE, SIG_IGN);
  return problem;
}

}  // namespace standpipe::keeper
