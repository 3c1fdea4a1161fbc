// SPDX-License-Identifier: Apache-2.0
#include "launch.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdint>
#include <string_view>

#include "common/error_text.h"
#include "common/fd.h"

namespace {

constexpr unsigned kCloseRangeCloexec = 1u << 2;  // of linux/close_range.h, which old systems lack
constexpr int kFirstOwn = 10;                     // above the standard streams

// What the child needs, made before it exists: it shares our memory and must not allocate.
struct Plan {
  const char* file;
  char* const* words;
  char* const* environment;
  const char* folder;
  std::array<int, 3> streams;
  int report;  // closes when the program runs; else it has a Fault
  pid_t parent;
};

struct Fault {
  bool is_folder;
  int error;
};

[[noreturn]] void report_and_exit(const Plan& plan, Fault fault) {
  (void)!::write(plan.report, &fault, sizeof fault);
  ::_exit(127);
}

void reset_signals() {
  struct sigaction usual {};
  usual.sa_handler = SIG_DFL;
  for (int s = 1; s < NSIG; ++s) (void)::sigaction(s, &usual, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Runs in the child, in our memory but with its own descriptors and signals.
[[noreturn]] void become_program(const Plan& plan) {
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != plan.parent) ::_exit(127);  // we died before that took effect
  (void)::setpgid(0, 0);
  for (int stream = 0; stream < 3; ++stream)
    if (::dup2(plan.streams[static_cast<std::size_t>(stream)], stream) < 0)
      report_and_exit(plan, {false, errno});
#ifdef SYS_close_range
  // Everything of ours is O_CLOEXEC; what a library opened otherwise is none of the program's.
  (void)::syscall(SYS_close_range, 3u, UINT_MAX, kCloseRangeCloexec);
#endif
  if (::chdir(plan.folder) != 0) report_and_exit(plan, {true, errno});
  reset_signals();
  ::execve(plan.file, plan.words, plan.environment);
  report_and_exit(plan, {false, errno});
}

// Apart, so that nothing of its caller lives in a frame that both sides use.
[[gnu::noinline]] pid_t start(const Plan& plan) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  const pid_t pid = ::vfork();
#pragma GCC diagnostic pop
  if (pid == 0) become_program(plan);
  return pid;
}

// No handler of ours may run in the child.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const auto& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

std::string_view path_of(const std::vector<std::string>& environment) {
  for (const auto& entry : environment)
    if (entry.starts_with("PATH=")) return std::string_view(entry).substr(5);
  return "/usr/local/bin:/usr/bin:/bin";
}

bool is_program(const std::string& path) {
  struct stat is {};
  return ::stat(path.c_str(), &is) == 0 && S_ISREG(is.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

// A name with a slash is taken as it is, from the program's working directory.
std::string find_program(const Launch& request) {
  const auto& name = request.words[0];
  if (name.find('/') != std::string::npos) return name;
  auto path = path_of(request.environment);
  for (;;) {
    const auto colon = path.find(':');
    const std::string folder(path.substr(0, colon));
    auto file = (folder.empty() ? request.folder : folder) + '/' + name;
    if (is_program(file)) return file;
    if (colon == std::string_view::npos) return {};
    path.remove_prefix(colon + 1);
  }
}

bool is_lasting(int error) {
  return error != EAGAIN && error != ENOMEM && error != EMFILE && error != ENFILE &&
         error != ETXTBSY && error != EIO;
}

std::string advice(int error) {
  if (error == ENOENT) return " (or the interpreter that it names after #! is missing)";
  if (error == EACCES) return " (is it a file with chmod +x, in folders that the hub may enter?)";
  if (error == ENOEXEC) return " (a script begins with #! and its interpreter)";
  return {};
}

Launched refused(const Launch& request, const Fault& fault) {
  const auto why = common::error_text(fault.error);
  if (fault.is_folder)
    return {-1, is_lasting(fault.error), "cwd: cannot enter " + request.folder + ": " + why};
  return {-1, is_lasting(fault.error),
          "cannot execute " + request.words[0] + ": " + why + advice(fault.error)};
}

// A descriptor above those that the child puts its streams at.
common::Fd lifted(int fd) { return common::Fd(::fcntl(fd, F_DUPFD_CLOEXEC, kFirstOwn)); }

}  // namespace

Launched launch(const Launch& request) {
  const auto file = find_program(request);
  if (file.empty())
    return {-1, true, "cannot execute " + request.words[0] + ": no folder of PATH has it"};
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return refused(request, {false, errno});
  common::Fd heard(ends[0]);
  common::Fd low(ends[1]);
  auto report = lifted(low.get());
  low = common::Fd();
  const auto in = lifted(request.in), out = lifted(request.out), err = lifted(request.err);
  if (!report || !in || !out || !err) return refused(request, {false, EMFILE});
  const auto words = pointers(request.words);
  const auto environment = pointers(request.environment);
  pid_t pid = -1;
  {
    const SignalsBlocked now;
    pid = start({file.c_str(),
                 words.data(),
                 environment.data(),
                 request.folder.c_str(),
                 {in.get(), out.get(), err.get()},
                 report.get(),
                 ::getpid()});
  }
  if (pid < 0) return refused(request, {false, errno});
  report = common::Fd();
  Fault fault{};
  ssize_t n = 0;
  while ((n = ::read(heard.get(), &fault, sizeof fault)) < 0 && errno == EINTR) {
  }
  if (n == 0) return {pid, false, {}};
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  return refused(request, fault);
}
