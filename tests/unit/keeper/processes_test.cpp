// SPDX-License-Identifier: Apache-2.0
#include "keeper/processes.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <string>

#include "base/fd.h"

using namespace standpipe;

namespace {

// A process that does that, and its end.
class Child {
 public:
  explicit Child(const std::function<void()>& work = [] { ::pause(); }) : pid_(::fork()) {
    if (pid_ != 0) return;
    work();
    ::_exit(0);
  }
  ~Child() {
    if (pid_ > 0) ::kill(pid_, SIGKILL), ::waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  pid_t pid() const { return pid_; }
  // It has ended, and nobody has waited for it.
  void end(int signal) const {
    ::kill(pid_, signal);
    siginfo_t info{};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) == 0);
  }
  int status() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    return status;
  }

 private:
  pid_t pid_;
};

bool is_child(pid_t pid) {
  const auto all = keeper::children();
  return std::find(all.begin(), all.end(), pid) != all.end();
}

}  // namespace

TEST_CASE("a child is one until it was waited for") {
  Child child;
  const auto pid = child.pid();
  CHECK(is_child(pid));
  CHECK_FALSE(is_child(::getpid()));
  child.end(SIGKILL);
  CHECK(is_child(pid));
  (void)child.status();
  CHECK_FALSE(is_child(pid));
}

TEST_CASE("a process that is dead is ending, and one that lives is not") {
  Child child;
  const auto pid = child.pid();
  CHECK_FALSE(keeper::is_ending(pid));
  child.end(SIGKILL);
  CHECK(keeper::is_ending(pid));
  (void)child.status();
  CHECK(keeper::is_ending(pid));  // there is none
}

TEST_CASE("how a process ended is said by its status, or by the name of its signal") {
  CHECK(keeper::status_text(Child([] { ::_exit(7); }).status()) == "status 7");
  CHECK(keeper::status_text(SIGKILL) == "SIGKILL");
  CHECK(keeper::status_text(SIGSEGV | 0x80) == "SIGSEGV, core dumped");
  CHECK(keeper::status_text(SIGRTMIN + 1) == "signal " + std::to_string(SIGRTMIN + 1));
}

TEST_CASE("a grandchild whose parent died becomes a child of the one that adopts") {
  Child adopter([] {
    keeper::adopt_orphans();
    int ends[2];
    if (::pipe(ends) != 0) ::_exit(1);
    if (::fork() == 0) {
      const auto orphan = ::fork();
      if (orphan == 0) ::pause();
      (void)!::write(ends[1], &orphan, sizeof orphan);
      ::_exit(0);
    }
    pid_t orphan = 0;
    (void)!::read(ends[0], &orphan, sizeof orphan);
    ::wait(nullptr);  // for the parent in between
    const bool adopted = is_child(orphan);
    ::kill(orphan, SIGKILL);
    ::_exit(adopted ? 0 : 2);
  });
  CHECK(adopter.status() == 0);
}

TEST_CASE("closed standard streams are opened, and open ones stay") {
  Child child([] {
    ::close(STDIN_FILENO);
    ::close(STDERR_FILENO);
    const auto out = ::fcntl(STDOUT_FILENO, F_GETFL);
    keeper::open_standard_streams();
    const int next = ::open("/dev/null", O_RDONLY);
    const bool ok = ::fcntl(STDIN_FILENO, F_GETFD) >= 0 && ::fcntl(STDERR_FILENO, F_GETFD) >= 0 &&
                    ::fcntl(STDOUT_FILENO, F_GETFL) == out && next > STDERR_FILENO;
    ::_exit(ok ? 0 : 1);
  });
  CHECK(child.status() == 0);
}

TEST_CASE("a death for which a limit of processor time may be the reason names it", "[fork]") {
  CHECK(keeper::remedy_of_death(SIGXCPU).empty());  // there is no such limit
  const auto child = ::fork();
  if (child == 0) {
    const rlimit limit{3600, 3600};
    if (::setrlimit(RLIMIT_CPU, &limit) != 0) ::_exit(2);
    const bool says = keeper::remedy_of_death(SIGXCPU).find("ulimit -t") != std::string::npos &&
                      keeper::remedy_of_death(SIGKILL).find("3,600 seconds") != std::string::npos;
    const bool is_silent = keeper::remedy_of_death(SIGSEGV).empty() &&
                           keeper::remedy_of_death(0x100).empty();  // exit status 1
    ::_exit(says && is_silent ? 0 : 1);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  CHECK(status == 0);
}
