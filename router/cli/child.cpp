// SPDX-License-Identifier: Apache-2.0
#include "cli/child.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "base/failure.h"
#include "base/remedies.h"

namespace standpipe::cli {
namespace {

using namespace std::chrono_literals;

// Runs between fork and exec, so it makes system calls only.
[[noreturn]] void become(char* const* command, int out, int err, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(127);  // it died before that took effect
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  std::signal(SIGPIPE, SIG_DFL);
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  ::execv(command[0], command);
  ::_exit(127);
}

// false: the stream has ended.
bool read_into(std::string& text, const Fd& from) {
  char piece[4096];
  for (;;) {
    const auto n = ::read(from.get(), piece, sizeof piece);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return true;
    if (n <= 0) return false;
    if (text.size() < Child::kOutputMax) text.append(piece, static_cast<std::size_t>(n));
  }
}

}  // namespace

Child::Child(const std::vector<std::string>& command) {
  std::vector<char*> words;
  for (const auto& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  // The child's ends are blocking, as any program expects.
  auto out = Pipe::make(0), err = Pipe::make(0);
  ::fcntl(out.write_end.get(), F_SETFL, 0);
  ::fcntl(err.write_end.get(), F_SETFL, 0);
  const auto parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) throw Failure::system("start " + command[0], errno, kMoreProcesses);
  if (pid_ == 0) become(words.data(), out.write_end.get(), err.write_end.get(), parent);
  out_end_ = std::move(out.read_end);
  err_end_ = std::move(err.read_end);
}

Child::~Child() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  reap();
}

void Child::reap() {
  while (::waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

// Once. false: both streams have ended.
bool Child::gather(int timeout_ms, Interruption& interruption) {
  pollfd fds[] = {
      {out_end_.get(), POLLIN, 0}, {err_end_.get(), POLLIN, 0}, {interruption.fd(), POLLIN, 0}};
  if (::poll(fds, 3, timeout_ms) <= 0) return true;
  if (fds[0].revents && !read_into(out_, out_end_)) out_end_.reset();
  if (fds[1].revents && !read_into(err_, err_end_)) err_end_.reset();
  return out_end_ || err_end_;
}

bool Child::gather_until(const std::function<bool()>& done, Nanoseconds most,
                         Interruption& interruption) {
  const Deadline deadline = steady_now() + most;
  const int known = interruption.times();
  while (!done()) {
    // `done` may depend on something else, such as a file: check again now and then.
    const bool more = gather(std::min(20, milliseconds_until(deadline)), interruption);
    if (!more || steady_now() >= *deadline || interruption.times() > known) return done();
  }
  return true;
}

std::optional<int> Child::stop(Nanoseconds most, Interruption& interruption) {
  ::kill(pid_, SIGTERM);
  (void)gather_until([&] { return !out_end_ && !err_end_; }, most, interruption);
  if (out_end_ || err_end_) ::kill(pid_, SIGKILL);
  reap();
  if (!WIFEXITED(status_)) return std::nullopt;
  return WEXITSTATUS(status_);
}

}  // namespace standpipe::cli
