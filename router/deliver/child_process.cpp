// SPDX-License-Identifier: Apache-2.0
#include "deliver/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "base/failure.h"
#include "base/text.h"
#include "keeper/descendants.h"

namespace standpipe::deliver {
namespace {

struct Ends {
  Fd ours, theirs;
};

Ends socket_pair() {
  int both[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, both) != 0)
    throw Failure::system("make a socket to a handler's process", errno);
  return {Fd(both[0]), Fd(both[1])};
}

// Opened anew, because a duplicate could be mapped to be written to.
Fd open_to_read(int memory) {
  const auto path = "/proc/self/fd/" + std::to_string(memory);
  Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file)
    throw Failure::system("open the memory of messages for a handler's process", errno,
                          "it takes a /proc of this PID namespace; use isolation: thread without");
  return file;
}

// What the keeper has is not for a child (keeper::Link), so this is another one.
Fd duplicate(int fd) {
  Fd copy(::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!copy) throw Failure::system("hand a descriptor to a handler's process", errno);
  return copy;
}

}  // namespace

std::string ChildDescriptors::text() const {
  std::string text;
  for (const int fd : {calls, services, setup, memory, page, made, wake})
    (text += text.empty() ? "" : ",") += std::to_string(fd);
  return text;
}

std::vector<int> ChildDescriptors::all() const {
  std::vector<int> there{calls, services, setup, memory, page};
  for (const int fd : {made, wake})
    if (fd >= 0) there.push_back(fd);
  return there;
}

std::optional<ChildDescriptors> ChildDescriptors::parse(const std::string& text) {
  ChildDescriptors d{};
  int end = 0;
  const int found = std::sscanf(text.c_str(), "%d,%d,%d,%d,%d,%d,%d%n", &d.calls, &d.services,
                                &d.setup, &d.memory, &d.page, &d.made, &d.wake, &end);
  if (found != 7 || static_cast<std::size_t>(end) != text.size()) return std::nullopt;
  for (const int fd : d.all())
    if (fd <= STDERR_FILENO) return std::nullopt;
  return d;
}

ChildProcess::ChildProcess(const keeper::Program& program, const ChildSetup& setup,
                           const Lent& lent) {
  start(program, setup, lent);
  process_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  if (process_) return;
  const int problem = errno;
  ::kill(pid_, SIGKILL);
  (void)reap();
  throw Failure::system("watch a handler's process", problem);
}

void ChildProcess::start(const keeper::Program& program, const ChildSetup& setup,
                         const Lent& lent) {
  auto calls = socket_pair(), services = socket_pair();
  const auto told = setup.write();
  const auto messages = open_to_read(lent.memory);
  const auto call = duplicate(lent.page);
  const auto made = lent.made < 0 ? Fd() : duplicate(lent.made);
  const auto wake = lent.wake < 0 ? Fd() : duplicate(lent.wake);
  const ChildDescriptors descriptors{
      calls.theirs.get(), services.theirs.get(), told.get(), messages.get(), call.get(), made.get(),
      wake.get()};
  variable_ = "STANDPIPE_HANDLER=" + setup.handler;
  pid_ = program.start({"standpipe: " + setup.handler, kChildCommand, descriptors.text()},
                       descriptors.all(), variable_);
  calls_ = std::move(calls.ours);
  services_ = std::move(services.ours);
}

ChildProcess::~ChildProcess() {
  if (pid_ == 0) return;
  kill();
  (void)reap();
}

void ChildProcess::kill() const {
  if (pid_ > 0) (void)::syscall(SYS_pidfd_send_signal, process_.get(), SIGKILL, nullptr, 0);
}

bool ChildProcess::has_ended_within(Nanoseconds most) const {
  pollfd ended{process_.get(), POLLIN, 0};
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(most).count();
  return ::poll(&ended, 1, static_cast<int>(ms)) > 0;
}

bool ChildProcess::end(Nanoseconds most) {
  calls_.reset();  // it sees that
  const bool ended = has_ended_within(most);
  if (!ended) kill();
  (void)reap();
  return ended;
}

// While it was not waited for, nobody else can have its number, nor a group of that number.
std::optional<int> ChildProcess::reap() {
  siginfo_t ended_as{};
  int found = 0;
  while ((found = ::waitid(P_PID, static_cast<id_t>(pid_), &ended_as, WEXITED | WNOWAIT)) < 0 &&
         errno == EINTR) {
  }
  if (found == 0) (void)::kill(-pid_, SIGKILL);
  keeper::end_left_with(variable_);
  int status = 0;
  pid_t ended = 0;
  while ((ended = ::waitpid(pid_, &status, 0)) < 0 && errno == EINTR) {
  }
  const bool is_ours = ended == std::exchange(pid_, 0);
  return is_ours ? std::optional(status) : std::nullopt;
}

}  // namespace standpipe::deliver
