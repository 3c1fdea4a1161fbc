// SPDX-License-Identifier: Apache-2.0
#include "keeper/orphan_watch.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "toy_keeper.h"

using namespace standpipe;
using test::ToyKeeper;
using namespace std::chrono_literals;

namespace {

// What that child ended with; empty: it lives.
std::optional<int> ended(pid_t child) {
  int status = 0;
  return ::waitpid(child, &status, WNOHANG) == child ? std::optional(status) : std::nullopt;
}

}  // namespace

TEST_CASE(
    "a plain kill ends a worker that saves for ever once its keeper is dead, but not the one of a "
    "service manager") {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const std::string script = GENERATE("ready; pid; watch; saving; say frozen; freeze",
                                      "ready; pid; watch; say frozen; freeze");
  ToyKeeper toy({script});
  toy.start();
  REQUIRE(toy.wait_for_log("frozen"));
  const auto worker = toy.worker();
  toy.send(SIGKILL);
  CHECK(toy.end() == -1);
  ::kill(worker, SIGTERM);  // to all that the keeper left
  REQUIRE(toy.wait_for_log("to end it without, and lose the rest: kill " + std::to_string(worker)));
  CHECK_FALSE(ended(worker));
  ::kill(worker, SIGTERM);
  std::optional<int> status;
  REQUIRE(test::eventually([&] { return (status = ended(worker)).has_value(); }));
  CHECK((WIFSIGNALED(*status) && WTERMSIG(*status) == SIGTERM));
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}
