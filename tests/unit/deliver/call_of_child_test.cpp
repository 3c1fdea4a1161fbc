// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <csignal>
#include <string>

#include "deliver/call_recovery.h"
#include "deliver/one_handler.h"

using namespace standpipe;
using deliver::CallKind;
using deliver::Death;
using deliver::Phase;
using deliver::Suspicion;

namespace {

const Death kCrash = Death::of_child(0, SIGSEGV);
const Death kKilled = Death::of_child(0, SIGKILL);

// One call after the other of one worker, in children that die.
class Fixture : public test::OneHandler {
 public:
  Fixture() : OneHandler({"a", "b", "c", "d"}), its_needs(needs(clock, one.memory)) {
    call.use_child(theirs);
  }
  // What is in the batch is given to a child, which dies; `at`: it had come so far.
  void dies(const Death& death, std::uint32_t at = STANDPIPE_NOT_TOLD) {
    call.begin_handle(batch, {});
    theirs.phase = Phase::handle;
    theirs.result.at = at;
    call.fetch();
    recover(death);
  }
  void recover(const Death& death) {
    deliver::CallRecovery({.options = options,
                           .needs = its_needs,
                           .call = call,
                           .blame = blame,
                           .host = host,
                           .settlement = settlement,
                           .lifecycle = life,
                           .batch = batch,
                           .deliveries = {}},
                          death, clock.now)
        .run_of_child();
    one.memory.commit();
    one.delivery.check_invariants();
  }
  void next() { batch.fill_redelivery(one.delivery); }
  // What is to be redelivered: how many messages, and how many deaths each range has.
  std::string waiting() const {
    std::string text;
    const auto& all = one.delivery.redeliveries();
    for (std::size_t i = 0; i < all.size(); ++i)
      text += (i ? " " : "") + std::to_string(all[i].range.count) + '/' +
              std::to_string(all[i].deaths) + (all[i].suspect == Suspicion::named ? "n" : "");
    return text;
  }

  deliver::HandlerNeeds its_needs;
  deliver::Flight theirs{};
  deliver::Call call{one.memory, options, 0};
  deliver::Blame blame{one.memory, options, 0};
  deliver::Lifecycle life{options, its_needs};
  deliver::PluginHost host{options.name, its_needs};
  deliver::Settlement settlement{options, its_needs, host, blame};
};

}  // namespace

TEST_CASE("the batch of a child that crashed is halved down to the message that it dies of") {
  Fixture f;
  f.dies(kCrash);
  CHECK(f.waiting() == "2/0n 2/0n");
  f.next();
  f.dies(kCrash);
  CHECK(f.waiting() == "1/0n 1/0n 2/0n");
  for (const auto* waiting : {"1/1n 1/0n 2/0n", "1/2n 1/0n 2/0n", "1/0n 2/0n"}) {
    f.next();
    f.dies(kCrash);
    CHECK(f.waiting() == waiting);
  }
  CHECK(f.dead_lettered.size() == 1);
  CHECK(f.tally().dead_lettered == 1);
}

TEST_CASE(
    "what a child had settled before it crashed is settled, and the one it was at suspected") {
  Fixture f;
  f.dies(kCrash, 2);
  CHECK(f.tally().delivered == 2);
  CHECK(f.waiting() == "1/1n 1/0");
}

TEST_CASE(
    "a child that is killed from outside is not blamed on its messages before the third time") {
  Fixture f;
  for (int i = 0; i < 2; ++i) {
    f.dies(kKilled);
    CHECK(f.waiting() == "4/0");
    f.next();
  }
  f.dies(kKilled);
  CHECK(f.waiting() == "2/0n 2/0n");  // and with other calls in progress
}

TEST_CASE("a call that no child had begun with is redelivered as it was") {
  Fixture f;
  f.call.begin_handle(f.batch, {});
  f.call.fetch();
  CHECK_FALSE(f.call.has_entered());
  f.recover(Death());
  CHECK(f.waiting() == "4/0");
  CHECK(f.quiet.reported.empty());
}

TEST_CASE("a child that dies three times as it opens holds its handler") {
  Fixture f;
  for (int i = 0; i < 3; ++i) {
    CHECK_FALSE(f.life.held());
    f.call.begin(CallKind::open);
    f.theirs.phase = Phase::open;
    f.call.fetch();
    f.recover(kCrash);
  }
  CHECK(f.life.held_for() ==
        "its plugin has ended its process 3 times in open (crashed (SIGSEGV))");
}
