// SPDX-License-Identifier: Apache-2.0
#include "keeper/restart_policy.h"

#include <catch2/catch.hpp>

using namespace standpipe;
using namespace standpipe::keeper;
using namespace std::chrono_literals;
using Verdict = RestartPolicy::Verdict;

namespace {

constexpr int kKilled = 9;  // a status as waitpid has it

// A keeper's workers. Verbs: start, end.
struct Workers {
  void start(bool ready = true) {
    policy.count_start();
    if (ready) policy.count_ready();
  }
  // One that ran, and left so much progress in the memory.
  Verdict die(std::uint64_t progress) {
    start();
    return end({.status = kKilled}, progress);
  }
  Verdict end(const WorkerEnd& how, std::optional<std::uint64_t> progress = 0,
              bool stop_is_wanted = false) {
    return policy.judge(how, progress, stop_is_wanted);
  }
  RestartPolicy policy{50ms};
};

}  // namespace

TEST_CASE("an end that was announced after everything was saved is passed on") {
  Workers w;
  w.start();
  CHECK(w.end({.status = 0, .meant = 0, .stopping = true}) == Verdict::pass_on);
  CHECK(w.policy.deaths_without_progress() == 0);
}

TEST_CASE("a first worker that says why it cannot begin is passed on, and a later one is not") {
  Workers w;
  w.start(false);
  CHECK(w.end({.status = 2 << 8, .meant = 2}) == Verdict::pass_on);
  w.start(false);
  CHECK(w.end({.status = 2 << 8, .meant = 2}) == Verdict::again);
  CHECK(w.end({.status = 2 << 8, .meant = 2}, std::nullopt) == Verdict::pass_on);  // no memory
}

TEST_CASE("an announced end of a hub that was ready is a death while not everything is saved") {
  Workers w;
  w.start();
  CHECK(w.end({.status = 0, .meant = 0}) == Verdict::again);
  CHECK(w.policy.deaths_without_progress() == 1);
}

TEST_CASE("damaged memory ends everything, whatever else the worker said") {
  Workers w;
  w.start();
  CHECK(w.end({.status = 0, .meant = 1, .damaged = true, .stopping = true, .retires = true}) ==
        Verdict::damaged);
}

TEST_CASE("a worker that retires is followed at once, if there is a memory to follow in") {
  Workers w;
  w.start();
  CHECK(w.end({.status = 0, .meant = 0, .retires = true}) == Verdict::next);
  CHECK(w.policy.deaths_without_progress() == 0);
  CHECK(w.end({.status = 0, .meant = 0, .retires = true}, std::nullopt) == Verdict::again);
}

TEST_CASE("what stood still while it was to stop is saved, and not started again") {
  Workers w;
  w.start();
  CHECK(w.end({.status = kKilled, .stood_still = true}) == Verdict::save);
}

TEST_CASE("a stop before anything was begun needs no second worker") {
  Workers w;
  w.start(false);
  CHECK(w.end({.status = kKilled}, std::nullopt, true) == Verdict::pass_on);
  CHECK(w.end({.status = kKilled}, 0, true) == Verdict::again);
  CHECK(w.end({}, std::nullopt, true) == Verdict::again);  // it could not even be started
}

TEST_CASE("the tenth death without progress is the last") {
  Workers w;
  for (int i = 1; i < RestartPolicy::kDeathsWithoutProgressMax; ++i)
    CHECK(w.die(0) == Verdict::again);
  CHECK(w.die(0) == Verdict::without_progress);
  CHECK(w.policy.deaths_without_progress() == RestartPolicy::kDeathsWithoutProgressMax);
}

TEST_CASE("progress, or a long service, begins the count again") {
  Workers w;
  w.die(0);
  w.die(0);
  CHECK(w.policy.deaths_without_progress() == 2);
  w.die(7);
  CHECK(w.policy.deaths_without_progress() == 1);
  w.die(7);
  CHECK(w.policy.deaths_without_progress() == 2);
  w.end({.status = kKilled, .served = RestartPolicy::kServedLong - 1ns}, 7);
  CHECK(w.policy.deaths_without_progress() == 3);
  w.end({.status = kKilled, .served = RestartPolicy::kServedLong}, 7);
  CHECK(w.policy.deaths_without_progress() == 1);
}

TEST_CASE("where the memory is gone, nothing is known of progress") {
  Workers w;
  w.die(7);
  w.end({.status = kKilled}, std::nullopt);
  CHECK(w.policy.deaths_without_progress() == 2);
}

TEST_CASE("a death with a configuration that was only tried is not counted") {
  Workers w;
  w.die(0);
  CHECK(w.end({.status = kKilled, .tried = true}) == Verdict::again);
  CHECK(w.policy.deaths_without_progress() == 1);
}

TEST_CASE("the pause doubles from the second death on, to forty times the first one") {
  Workers w;
  CHECK(w.policy.pause() == 0ms);
  for (const auto pause : {0ms, 50ms, 100ms, 200ms, 400ms, 800ms, 1600ms, 2000ms, 2000ms}) {
    w.die(0);
    CHECK(w.policy.pause() == pause);
  }
}
