// SPDX-License-Identifier: Apache-2.0
#include "plugin/trial.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "base/fd.h"
#include "base/signals.h"
#include "base/text.h"

namespace standpipe::plugin {
namespace {

using namespace std::chrono_literals;

constexpr int kCameBack = 97;  // a status that hardly any plugin ends with
constexpr char kDone = 'd';

[[noreturn]] void live_as_child(const std::function<void()>& what, int done) {
  const rlimit no_core{0, 0};
  (void)::setrlimit(RLIMIT_CORE, &no_core);
  for (const int fault : kFaults) (void)::signal(fault, SIG_DFL);
  if (const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC); nowhere >= 0)
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
      (void)::dup2(nowhere, stream);
  try {
    what();
  } catch (...) {  // it is thrown again where somebody listens
  }
  (void)!::write(done, &kDone, 1);
  ::_exit(kCameBack);
}

// The child's status; nullopt: it was killed because its time was over.
std::optional<int> wait_for(pid_t child, Nanoseconds most) {
  const SystemClock clock;
  const auto end = clock.steady() + most;
  int status = 0;
  for (auto pause = 200us; ::waitpid(child, &status, WNOHANG) == 0;
       pause = std::min(2 * pause, 20'000us)) {
    if (clock.steady() < end) {
      std::this_thread::sleep_for(pause);
      continue;
    }
    ::kill(child, SIGKILL);
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return std::nullopt;
  }
  return status;
}

std::string fault_text(int status) {
  if (!WIFSIGNALED(status))
    return "ended the process (exit " + std::to_string(WEXITSTATUS(status)) + ")";
  const char* name = ::sigabbrev_np(WTERMSIG(status));
  return std::string("crashed (SIG") + (name ? name : std::to_string(WTERMSIG(status))) + ")";
}

}  // namespace

std::optional<std::string> fault_in_child(const std::function<void()>& what, Nanoseconds most) {
  int done[2];
  if (::pipe2(done, O_CLOEXEC | O_NONBLOCK) != 0) return std::nullopt;
  const Fd read_end(done[0]);
  Fd write_end(done[1]);
  const auto child = ::fork();
  if (child == 0) live_as_child(what, write_end.get());
  write_end.reset();
  if (child < 0) return std::nullopt;
  const auto status = wait_for(child, most);
  char word = 0;
  if (::read(read_end.get(), &word, 1) == 1)
    return std::nullopt;  // what happens after it is not the plugin's answer
  return status ? fault_text(*status) : "did not come back within " + duration_text(most);
}

}  // namespace standpipe::plugin
