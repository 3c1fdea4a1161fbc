// SPDX-License-Identifier: Apache-2.0
#include "keeper/program.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/failure.h"
#include "base/signals.h"
#include "temporary_folder.h"

using namespace standpipe;
using keeper::Program;
namespace fs = std::filesystem;

namespace {

constexpr auto kVariable = "STANDPIPE_KEEPER=5,6";

// Starts programs, and has what they print.
class Fixture {
 public:
  // Returns what waitpid said.
  int run(const Program& program, const std::vector<std::string>& arguments,
          const std::vector<int>& inherited = {}) {
    const int out = ::dup(STDOUT_FILENO), err = ::dup(STDERR_FILENO);
    const Fd file(::open((folder / "printed").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600));
    ::dup2(file.get(), STDOUT_FILENO);
    ::dup2(file.get(), STDERR_FILENO);
    const auto pid = program.start(arguments, inherited, kVariable);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(err, STDERR_FILENO);
    ::close(out);
    ::close(err);
    int status = 0;
    ::waitpid(pid, &status, 0);
    return status;
  }
  std::string printed() const {
    std::ifstream file(folder / "printed");
    return {std::istreambuf_iterator<char>(file), {}};
  }
  bool has_printed_line(const std::string& line) const {
    return ('\n' + printed()).find('\n' + line + '\n') != std::string::npos;
  }

  test::TemporaryFolder folder;
};

// In the environment while it lives.
class Set {
 public:
  Set(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
  ~Set() { ::unsetenv(name_); }
  Set(const Set&) = delete;
  Set& operator=(const Set&) = delete;

 private:
  const char* name_;
};

}  // namespace

TEST_CASE_METHOD(Fixture, "a worker has the keeper's environment, without what is the keeper's") {
  const Set plain("STANDPIPE_TEST", "kept"), notify("NOTIFY_SOCKET", "/n"),
      watchdog("WATCHDOG_USEC", "1"), listen("LISTEN_FDS", "1"), other("STANDPIPE_KEEPER", "1,2");
  REQUIRE(run(Program("/usr/bin/env"), {"env"}) == 0);
  CHECK(has_printed_line("STANDPIPE_TEST=kept"));
  CHECK(has_printed_line(kVariable));
  CHECK_FALSE(has_printed_line("STANDPIPE_KEEPER=1,2"));
  for (const auto* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "LISTEN_FDS"})
    CHECK(printed().find(name) == std::string::npos);
}

TEST_CASE_METHOD(Fixture, "a worker has its own keeper's mark; its successor keeps that") {
  const Set mark("STANDPIPE_HUB", "outer");
  REQUIRE(run(Program("/usr/bin/env", "STANDPIPE_HUB=inner"), {"env"}) == 0);
  CHECK(has_printed_line("STANDPIPE_HUB=inner"));
  CHECK_FALSE(has_printed_line("STANDPIPE_HUB=outer"));
  REQUIRE(run(Program("/usr/bin/env"), {"env"}) == 0);
  CHECK(has_printed_line("STANDPIPE_HUB=outer"));
}

TEST_CASE_METHOD(Fixture, "what is set later in this process no worker gets") {
  const Program program("/usr/bin/env");
  const Set later("STANDPIPE_TEST", "later");
  REQUIRE(run(program, {"env"}) == 0);
  CHECK(printed().find("STANDPIPE_TEST") == std::string::npos);
}

TEST_CASE_METHOD(Fixture, "a worker inherits the descriptors that it is to have, and no others") {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const Fd in(ends[0]), out(ends[1]);
  const Program shell("/bin/sh");
  const std::vector<std::string> arguments{"sh", "-c",
                                           "echo x > /proc/self/fd/" + std::to_string(out.get())};
  CHECK(run(shell, arguments) != 0);
  CHECK(run(shell, arguments, {out.get()}) == 0);
  CHECK((::fcntl(out.get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE_METHOD(Fixture, "a worker begins with the keeper's signals blocked, and PIPE as usual") {
  const auto before = ::signal(SIGPIPE, SIG_IGN);
  REQUIRE(run(Program("/bin/grep"), {"grep", "^Sig[BI]", "/proc/self/status"}) == 0);
  ::signal(SIGPIPE, before);
  const auto mask = [this](const std::string& name) {
    const auto at = printed().find(name);
    REQUIRE(at != std::string::npos);
    return std::stoull(printed().substr(at + name.size()), nullptr, 16);
  };
  const auto keepers = signals_of_the_keeper();
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD, SIGUSR2})
    CHECK(((mask("SigBlk:") >> (signal - 1)) & 1) ==
          static_cast<unsigned>(::sigismember(&keepers, signal)));
  CHECK(((mask("SigIgn:") >> (SIGPIPE - 1)) & 1) == 0);
}

TEST_CASE_METHOD(Fixture, "a program that is replaced while the hub runs is still the old one") {
  fs::copy_file("/bin/sh", folder / "program");
  const Program program(folder / "program");
  fs::remove(folder / "program");
  std::ofstream(folder / "program") << "no program";
  CHECK(run(program, {"sh", "-c", "exit 3"}) == 3 << 8);
}

TEST_CASE_METHOD(Fixture, "a program that is not there is a failure with its path") {
  CHECK_THROWS_WITH(Program(folder / "none"),
                    Catch::Contains("open the worker's program " + folder.path() + "/none"));
}

TEST_CASE_METHOD(Fixture, "one that cannot be executed is said by the process that tried") {
  std::ofstream(folder / "text") << "no program";
  const Program text(folder / "text");
  CHECK(run(text, {"text"}) == 127 << 8);
  // It may print what the tests have left to print, too.
  CHECK(printed().starts_with("error: cannot execute " + (folder / "text") +
                              ": Permission denied\n"));
}

TEST_CASE_METHOD(Fixture, "a process that could not become the program goes on as it was") {
  std::ofstream(folder / "text") << "no program";
  const Fd lent(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  sigset_t before, after;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &before);
  const int inherited[] = {lent.get()};
  CHECK(Program(folder / "text").replace({"text"}, inherited, kVariable) == EACCES);
  ::pthread_sigmask(SIG_SETMASK, nullptr, &after);
  CHECK(::sigismember(&before, SIGTERM) == ::sigismember(&after, SIGTERM));
  CHECK((::fcntl(lent.get(), F_GETFD) & FD_CLOEXEC) != 0);
}
