// SPDX-License-Identifier: Apache-2.0
#include "keeper/descendants.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

using namespace standpipe;
using keeper::WorkersMark;

namespace {

// A `sleep` with that environment.
class Sleeper {
 public:
  explicit Sleeper(const std::vector<std::string>& environment) {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      std::vector<char*> entries;
      for (const auto& entry : environment) entries.push_back(const_cast<char*>(entry.c_str()));
      entries.push_back(nullptr);
      ::execle("/bin/sleep", "sleep", "60", nullptr, entries.data());
      ::_exit(127);
    }
    ::close(ends[1]);
    char end = 0;
    (void)!::read(ends[0], &end, 1);  // until it is executed
    ::close(ends[0]);
  }
  ~Sleeper() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;
  bool is_found_by(const WorkersMark& mark) const {
    const auto found = mark.children();
    return std::find(found.begin(), found.end(), pid_) != found.end();
  }
  void die() const {
    ::kill(pid_, SIGKILL);
    siginfo_t info{};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) == 0);
  }

 private:
  pid_t pid_ = 0;
};

}  // namespace

TEST_CASE("what has the mark in its environment was started by a worker") {
  const WorkersMark mark;
  CHECK(Sleeper({"A=b", mark.variable(), "C=d"}).is_found_by(mark));
}

TEST_CASE("others are left alone: without a mark, with another hub's, or with more than the mark") {
  const WorkersMark mark, another;
  CHECK(mark.variable() != another.variable());
  CHECK(mark.variable().starts_with(WorkersMark::kName));
  CHECK_FALSE(Sleeper({"A=b"}).is_found_by(mark));
  CHECK_FALSE(Sleeper({another.variable()}).is_found_by(mark));
  CHECK_FALSE(Sleeper({mark.variable() + "0"}).is_found_by(mark));
  CHECK_FALSE(Sleeper({"X" + mark.variable()}).is_found_by(mark));
}

TEST_CASE("one that is dead already is not to be ended") {
  const WorkersMark mark;
  const Sleeper sleeper({mark.variable()});
  sleeper.die();
  CHECK_FALSE(sleeper.is_found_by(mark));
}
