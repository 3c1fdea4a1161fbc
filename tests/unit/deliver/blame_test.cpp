// SPDX-License-Identifier: Apache-2.0
#include "deliver/blame.h"

#include <catch2/catch.hpp>
#include <csignal>

#include "base/limits.h"

using namespace standpipe;
using deliver::Blame;
using deliver::CallKind;
using deliver::Death;
using deliver::Phase;
using deliver::Verdict;

namespace {

const Death kOurs = Death::of(SIGSEGV, Death::kFirstHandler, 1);
const Death kOutside = Death::of(SIGKILL, Death::kNobody, 2);
const Death kOneOfTwo = Death::of(SIGSEGV, Death::kNobody, 2);
const Death kNeighbour = Death::of(SIGSEGV, Death::kFirstHandler + 1, 2);

deliver::HandlerOptions named(const char* name) {
  deliver::HandlerOptions options;
  options.name = name;
  return options;
}

struct Fixture {
  state::Memory memory{state::MemoryPlan{.memory_max = 4 * MiB}};
  deliver::HandlerOptions options = named("it");
  Blame blame{memory, options, 0};
};

}  // namespace

TEST_CASE(
    "three deaths in one phase are enough, whatever came back in others, and then it begins anew") {
  Fixture f;
  for (int i = 1; i <= 2; ++i) {
    CHECK(f.blame.judge_call(kOurs, Phase::close).deaths == i);
    f.blame.forgive(CallKind::open);
  }
  CHECK(f.blame.judge_call(kOurs, Phase::close).is_enough());
  CHECK(f.blame.judge_call(kOurs, Phase::close).deaths == 1);
}

TEST_CASE("deaths are forgiven when a call of that kind comes back") {
  Fixture f;
  f.blame.judge_call(kOurs, Phase::open);
  f.blame.judge_call(kOurs, Phase::open);
  f.blame.forgive(CallKind::open);
  CHECK_FALSE(f.blame.judge_call(kOurs, Phase::open).is_enough());
}

TEST_CASE("a neighbour's death is held against nobody else") {
  Fixture f;
  CHECK(f.blame.judge_call(kNeighbour, Phase::open).verdict == Verdict::innocent);
  CHECK_FALSE(f.blame.is_to_be_alone(CallKind::open));
}

TEST_CASE("who may have done it is called alone the next time, until that comes back") {
  Fixture f;
  CHECK(f.blame.judge_call(kOneOfTwo, Phase::flush).verdict == Verdict::suspect);
  CHECK(f.blame.is_to_be_alone(CallKind::close));
  CHECK_FALSE(f.blame.is_to_be_alone(CallKind::disconnect));
  CHECK_FALSE(f.blame.is_to_be_alone(CallKind::open));
  f.blame.forgive(CallKind::close);
  CHECK_FALSE(f.blame.is_to_be_alone(CallKind::close));
}

TEST_CASE("deaths that say nothing count in a row of the same messages only") {
  Fixture f;
  const auto dies_at = [&](std::uint64_t first) {
    return f.blame.judge_messages(kOutside, 0, first, false);
  };
  CHECK(dies_at(5) == Verdict::innocent);
  CHECK(dies_at(6) == Verdict::innocent);
  CHECK(dies_at(6) == Verdict::innocent);
  CHECK(dies_at(6) == Verdict::suspect);
}

TEST_CASE("what is held against a handler outlives the worker") {
  Fixture f;
  for (int i = 0; i < 4; ++i) f.blame.count_dead_letter();
  f.blame.judge_call(kOurs, Phase::create);
  f.memory.commit();
  state::Memory next(Fd(::dup(f.memory.fd())));
  Blame later(next, f.options, 0);
  CHECK(later.is_last_in_a_row());
  CHECK(later.judge_call(kOurs, Phase::create).deaths == 2);
  later.end_row();
  CHECK_FALSE(later.is_last_in_a_row());
}

TEST_CASE("deaths in ticks and polls are forgiven when enough of them have come back in a row") {
  const auto [kind, phase] =
      GENERATE(std::pair(CallKind::tick, Phase::tick), std::pair(CallKind::poll, Phase::poll));
  Fixture f;
  const auto deaths = [&, in = phase] { return f.blame.judge_call(kOurs, in).deaths; };
  CHECK(deaths() == 1);
  for (std::uint32_t i = 1; i < deliver::Blame::kTicksForgiven; ++i) f.blame.forgive(kind);
  CHECK(deaths() == 2);  // one too few
  f.blame.begin_anew();
  for (std::uint32_t i = 1; i < deliver::Blame::kTicksForgiven; ++i) f.blame.forgive(kind);
  f.blame.begin_anew();  // another death, which was nobody's
  f.blame.forgive(kind);
  CHECK(f.blame.judge_call(kOurs, phase).is_enough());
  f.blame.begin_anew();
  CHECK(deaths() == 1);
  for (std::uint32_t i = 0; i < deliver::Blame::kTicksForgiven; ++i) f.blame.forgive(kind);
  CHECK(deaths() == 1);
}
