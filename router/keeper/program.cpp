// SPDX-License-Identifier: Apache-2.0
#include "keeper/program.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/failure.h"
#include "base/remedies.h"
#include "base/signals.h"
#include "keeper/descendants.h"

namespace standpipe::keeper {
namespace {

constexpr auto kSelf = "/proc/self/exe";

// By its path, because valgrind answers readlink with the program's path but opens its own.
std::string own_path() {
  char path[4096];
  const auto n = ::readlink(kSelf, path, sizeof path);
  return n > 0 && static_cast<std::size_t>(n) < sizeof path
             ? std::string(path, static_cast<std::size_t>(n))
             : kSelf;
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> all;
  for (const auto& word : words) all.push_back(const_cast<char*>(word.c_str()));
  all.push_back(nullptr);
  return all;
}

// May run between fork and exec, so it makes system calls only. Returns errno.
int execute(int file, const char* path, char* const* arguments, char* const* environment,
            std::span<const int> inherited) {
  for (const int fd : inherited) ::fcntl(fd, F_SETFD, 0);
  ::syscall(SYS_execveat, file, "", arguments, environment, AT_EMPTY_PATH);
  if (errno == ENOSYS) ::execve(path, arguments, environment);
  return errno;
}

}  // namespace

Program::Program(const std::string& path, std::string mark)
    : path_(path.empty() ? own_path() : path),
      mark_(std::move(mark)),
      environment_(whole_environment()),
      file_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (!file_ && path.empty())
    file_ = Fd(::open(kSelf, O_RDONLY | O_CLOEXEC));  // removed or replaced since it was started
  if (!file_) throw Failure::system("open the worker's program " + path_, errno);
}

// Only the keeper talks to the service manager.
std::vector<std::string> Program::environment_with(const std::string& variable) const {
  constexpr std::array own{"STANDPIPE_KEEPER=", "NOTIFY_SOCKET=", "WATCHDOG_USEC=", "WATCHDOG_PID=",
                           "LISTEN_FDS=",       "LISTEN_PID=",    "LISTEN_FDNAMES="};
  std::vector<std::string> all{variable};
  if (!mark_.empty()) all.push_back(mark_);
  const auto is_replaced = [&](std::string_view entry) {
    return std::ranges::any_of(own, [&](const char* name) { return entry.starts_with(name); }) ||
           (!mark_.empty() && entry.starts_with(WorkersMark::kName));
  };
  for (const auto& entry : environment_)
    if (!is_replaced(entry)) all.push_back(entry);
  return all;
}

std::vector<std::string> Program::whole_environment() {
  std::vector<std::string> all;
  for (char** entry = environ; entry && *entry; ++entry) all.emplace_back(*entry);
  return all;
}

pid_t Program::start(const std::vector<std::string>& arguments, std::span<const int> inherited,
                     const std::string& variable) const {
  const auto environment = environment_with(variable);
  const auto argv = pointers(arguments), envp = pointers(environment);
  const auto pid = ::fork();
  if (pid < 0) throw Failure::system("start a process", errno, kMoreProcesses);
  if (pid > 0) return pid;
  ::signal(SIGPIPE, SIG_DFL);
  const auto blocked = signals_of_the_keeper();
  ::sigprocmask(SIG_SETMASK, &blocked, nullptr);
  const int problem = execute(file_.get(), path_.c_str(), argv.data(), envp.data(), inherited);
  ::dprintf(STDERR_FILENO, "error: cannot execute %s: %s\n", path_.c_str(),
            strerrordesc_np(problem));
  ::_exit(127);
}

int Program::replace(const std::vector<std::string>& arguments, std::span<const int> inherited,
                     const std::string& variable) const {
  const auto environment = environment_with(variable);
  const auto argv = pointers(arguments), envp = pointers(environment);
  const auto blocked = signals_of_the_keeper();
  sigset_t before;
  ::pthread_sigmask(SIG_SETMASK, &blocked, &before);
  const int problem = execute(file_.get(), path_.c_str(), argv.data(), envp.data(), inherited);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  for (const int fd : inherited) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  return problem;
}

}  // namespace standpipe::keeper
