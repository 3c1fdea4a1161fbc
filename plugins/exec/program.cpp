// SPDX-License-Identifier: Apache-2.0
#include "program.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <utility>

#include "common/error_text.h"

namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr int kPipeBytes = 1 << 20;         // as much as anybody may ask for without privileges
constexpr milliseconds kEndPatience{1000};  // for the end of what has closed its streams
constexpr int kAskForEndMs = 50;            // where the kernel has no descriptors of processes
constexpr std::size_t kSaidMost = 200;      // bytes of its last line in a reason

struct Pipe {
  common::Fd read, write;
  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
      throw standpipe::disconnected("cannot make a pipe: " + common::error_text(errno));
    read = common::Fd(ends[0]);
    write = common::Fd(ends[1]);
    // Fewer turns of both sides. The kernel may refuse it to a user with many pipes: then not.
    (void)::fcntl(ends[0], F_SETPIPE_SZ, kPipeBytes);
  }
};

void set_nonblocking(int fd) { (void)::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK); }

int open_pidfd(pid_t pid) {
#ifdef SYS_pidfd_open
  return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
#else
  (void)pid;
  return -1;
#endif
}

bool is_readable(int fd, int timeout_ms = 0) {
  pollfd one{fd, POLLIN, 0};
  return ::poll(&one, 1, timeout_ms) > 0;
}

std::string signal_name(int number) {
  constexpr std::pair<int, const char*> kNames[] = {
      {SIGABRT, "SIGABRT"}, {SIGALRM, "SIGALRM"}, {SIGBUS, "SIGBUS"},   {SIGFPE, "SIGFPE"},
      {SIGHUP, "SIGHUP"},   {SIGILL, "SIGILL"},   {SIGINT, "SIGINT"},   {SIGKILL, "SIGKILL"},
      {SIGPIPE, "SIGPIPE"}, {SIGQUIT, "SIGQUIT"}, {SIGSEGV, "SIGSEGV"}, {SIGSYS, "SIGSYS"},
      {SIGTERM, "SIGTERM"}, {SIGTRAP, "SIGTRAP"}, {SIGUSR1, "SIGUSR1"}, {SIGUSR2, "SIGUSR2"},
      {SIGXCPU, "SIGXCPU"}, {SIGXFSZ, "SIGXFSZ"}};
  for (const auto& [known, name] : kNames)
    if (known == number) return name;
  return "signal " + std::to_string(number);
}

}  // namespace

Program::Program(standpipe::Host host, const Settings& settings, const char* kind, Output output)
    : host_(host), log_(host) {
  ended_ = common::Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!ended_) throw standpipe::disconnected("no descriptor is left: " + common::error_text(errno));
  Pipe in, err;
  set_nonblocking(in.write.get());
  set_nonblocking(err.read.get());
  if (output == Output::answers) {
    Pipe out;
    set_nonblocking(out.read.get());
    out_ = std::move(out.read);
    child_out_ = std::move(out.write);
  }
  in_ = std::move(in.write);
  child_in_ = std::move(in.read);
  log_out_ = std::move(err.read);
  child_err_ = std::move(err.write);
  std::promise<Launched> started;
  auto launched = started.get_future();
  thread_ = std::thread([&, this] { run(settings, kind, started); });
  const auto how = launched.get();
  if (how.pid >= 0) return;
  thread_.join();
  if (how.is_lasting) throw standpipe::fatal(how.reason);
  throw standpipe::disconnected(how.reason);
}

Program::~Program() { kill(); }

// The thread of the program. It takes none of the hub's signals.
void Program::run(const Settings& settings, const char* kind, std::promise<Launched>& started) {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
  const auto environment = settings.environment(kind);
  const int out = child_out_ ? child_out_.get() : child_err_.get();
  auto how = launch({.words = settings.words,
                     .environment = environment,
                     .folder = settings.folder,
                     .in = child_in_.get(),
                     .out = out,
                     .err = child_err_.get()});
  pid_ = how.pid;
  for (auto* fd : {&child_in_, &child_out_, &child_err_}) *fd = common::Fd();
  const bool runs = how.pid >= 0;
  started.set_value(std::move(how));
  if (runs) watch();
}

void Program::watch() {
  const common::Fd process(open_pidfd(pid_));
  bool has_log = true;
  for (bool runs = true; runs;) {
    std::array<pollfd, 2> fds{
        {{process.get(), POLLIN, 0}, {has_log ? log_out_.get() : -1, POLLIN, 0}}};
    const int found = ::poll(fds.data(), fds.size(), process ? -1 : kAskForEndMs);
    if (found < 0 && errno != EINTR) break;
    if (fds[1].revents != 0) has_log = read_log();
    siginfo_t end{};
    const bool is_due = !process || fds[0].revents != 0;
    runs = !is_due || ::waitid(P_PID, static_cast<id_t>(pid_), &end, WEXITED | WNOHANG | WNOWAIT) ||
           end.si_pid == 0;
  }
  for (int i = 0; has_log && is_readable(log_out_.get()) && i < 100; ++i) has_log = read_log();
  reap();
}

// What it started ends with it, as its readers and writers would otherwise be two. While it is not
// reaped, nobody else can have the number of its group.
void Program::reap() {
  int status = 0;
  {
    const std::lock_guard lock(mutex_);
    log_.end(LineLog::Clock::now());
    (void)::kill(-pid_, SIGKILL);
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    is_reaped_ = true;
    status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    signal_ = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  }
  const std::uint64_t one = 1;
  (void)!::write(ended_.get(), &one, sizeof one);
}

// false: there will be nothing more.
bool Program::read_log() {
  std::array<char, 16 * 1024> piece;
  const auto n = ::read(log_out_.get(), piece.data(), piece.size());
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  const std::lock_guard lock(mutex_);
  if (n > 0) log_.append({piece.data(), static_cast<std::size_t>(n)}, LineLog::Clock::now());
  return n > 0;
}

bool Program::has_ended() const { return is_readable(ended_.get()); }

bool Program::crashed() {
  const std::lock_guard lock(mutex_);
  return signal_ != 0 && signal_ != SIGTERM && signal_ != SIGINT && signal_ != SIGHUP;
}

bool Program::succeeded() {
  const std::lock_guard lock(mutex_);
  return is_reaped_ && status_ == 0 && signal_ == 0;
}

std::string Program::last_said() {
  const std::lock_guard lock(mutex_);
  if (log_.last().empty()) return {};
  auto last = log_.last().substr(0, kSaidMost);
  while (last.size() == kSaidMost && (static_cast<unsigned char>(last.back()) & 0xc0) == 0x80)
    last.pop_back();
  return "; it last said: " + last;
}

std::string Program::end_text() {
  const std::lock_guard lock(mutex_);
  return signal_ != 0 ? signal_name(signal_) : "exit status " + std::to_string(status_);
}

std::string Program::how_it_ended() {
  if (!is_readable(ended_.get(), static_cast<int>(kEndPatience.count())))
    return "the program closed its streams without ending" + last_said();
  return "the program ended (" + end_text() + ")" + last_said();
}

// Whatever it still writes is read, so that it does not wait for us.
bool Program::wait_for_end(nanoseconds most) {
  const auto deadline = std::chrono::steady_clock::now() + most;
  bool has_output = bool(out_);
  std::array<char, 16 * 1024> nothing;
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
    std::array<pollfd, 2> fds{
        {{ended_.get(), POLLIN, 0}, {has_output ? out_.get() : -1, POLLIN, 0}}};
    const auto patience = std::max<std::int64_t>(left.count(), 0);
    const int found = ::poll(fds.data(), fds.size(), static_cast<int>(patience));
    if (found > 0 && fds[0].revents != 0) return true;
    if (found == 0) return false;
    if (found > 0 && fds[1].revents != 0)
      has_output = ::read(out_.get(), nothing.data(), nothing.size()) > 0 || errno == EAGAIN;
  }
}

void Program::signal_group(int number) {
  const std::lock_guard lock(mutex_);
  if (!is_reaped_ && pid_ > 0 && ::kill(-pid_, number) != 0) (void)::kill(pid_, number);
}

void Program::end(nanoseconds before_term, nanoseconds before_kill) {
  close_input();
  if (thread_.joinable() && !wait_for_end(before_term)) {
    if (before_term.count() > 0) host_.warning("the program does not end: SIGTERM");
    signal_group(SIGTERM);
    if (!wait_for_end(before_kill)) host_.warning("the program does not end: SIGKILL");
  }
  kill();
}

void Program::kill() {
  if (!thread_.joinable()) return;
  signal_group(SIGKILL);
  thread_.join();
}
