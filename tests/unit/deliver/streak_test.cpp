// SPDX-License-Identifier: Apache-2.0
#include "deliver/streak.h"

#include <catch2/catch.hpp>
#include <csignal>
#include <vector>

using namespace standpipe::deliver;

namespace {

const CallKey kCall{.phase = 3, .delivery = 1, .first = 7};

Death killed(std::size_t calls) { return Death::of(SIGKILL, Death::kNobody, calls); }

// What is made of the same call in so many deaths.
std::vector<Verdict> verdicts(int times, std::size_t calls, bool alone = false) {
  Streak streak;
  std::vector<Verdict> all;
  for (int i = 0; i < times; ++i) all.push_back(judge(killed(calls), 0, kCall, alone, streak));
  return all;
}

}  // namespace

TEST_CASE("whoever is named is guilty, and nobody else is even suspect") {
  Streak streak;
  const auto named = Death::of(SIGSEGV, Death::kFirstHandler + 2, 3);
  CHECK(judge(named, 2, kCall, false, streak) == Verdict::guilty);
  CHECK(judge(named, 0, kCall, false, streak) == Verdict::innocent);
  CHECK(judge(Death::of(SIGSEGV, Death::kHub, 1), 0, kCall, true, streak) == Verdict::innocent);
}

TEST_CASE("an end that names nobody makes all in a call suspects, and the only one guilty") {
  Streak streak;
  for (const int status : {SIGSEGV, 0, 5 << 8}) {
    CHECK(judge(Death::of(status, Death::kNobody, 2), 0, kCall, false, streak) == Verdict::suspect);
    CHECK(judge(Death::of(status, Death::kNobody, 1), 0, kCall, false, streak) == Verdict::guilty);
  }
}

TEST_CASE("a signal that says nothing makes nobody a suspect before the third time in a row") {
  using enum Verdict;
  for (const std::size_t calls : {1, 2})
    CHECK(verdicts(6, calls) ==
          std::vector{innocent, innocent, suspect, innocent, innocent, suspect});
  CHECK(verdicts(3, 1, true) == std::vector{guilty, guilty, guilty});
  CHECK(verdicts(2, 2, true) == std::vector{innocent, innocent});
  for (const int signal : {SIGALRM, SIGXCPU, SIGXFSZ, SIGTERM}) {
    Streak streak;
    CHECK(judge(Death::of(signal, Death::kNobody, 1), 0, kCall, false, streak) == innocent);
  }
}

TEST_CASE(
    "in a child a crash is certain, and a signal that says nothing is from the third time on") {
  using enum Verdict;
  Streak streak;
  CHECK(judge(Death::of_child(2, SIGSEGV), 2, kCall, false, streak) == guilty);
  CHECK(judge(Death::of_child(2, 5 << 8), 2, kCall, false, streak) == guilty);
  CHECK(judge(Death::by_nonsense(2), 2, kCall, false, streak) == guilty);
  CHECK(judge(Death::by_hang(2, "1s", true), 2, kCall, false, streak) == guilty);
  std::vector<Verdict> all;
  for (int i = 0; i < 5; ++i)
    all.push_back(judge(Death::of_child(2, SIGKILL), 2, kCall, true, streak));
  CHECK(all == std::vector{innocent, innocent, guilty, guilty, guilty});
}

TEST_CASE("another call begins another count") {
  Streak streak;
  const CallKey others[] = {{4, 1, 7}, {3, 2, 7}, {3, 1, 8}};
  for (const auto& other : others) {
    for (int i = 0; i < 2; ++i)
      CHECK(judge(killed(1), 0, kCall, false, streak) == Verdict::innocent);
    CHECK(judge(killed(1), 0, other, false, streak) == Verdict::innocent);
  }
}
