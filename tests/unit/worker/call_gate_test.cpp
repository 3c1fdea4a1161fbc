// SPDX-License-Identifier: Apache-2.0
#include "worker/call_gate.h"

#include <catch2/catch.hpp>
#include <cstddef>
#include <vector>

#include "worker/event_key.h"
#include "worker/loop_kit.h"

using namespace standpipe;
using namespace std::chrono_literals;

namespace {

// Three handlers, of which the gate knows nothing but which one it is.
class Fixture : public test::LoopKit {
 public:
  bool admit(std::size_t handler, bool alone = false) {
    const bool admitted = gate.admit(handler_of(handler), alone);
    if (!admitted) queue.block(handler);
    gate.after_advance(handler_of(handler), !admitted);
    return admitted;
  }
  // It was held, or closed: it asks for nothing any more.
  void withdraw(std::size_t handler) { gate.after_advance(handler_of(handler), false); }
  std::vector<std::size_t> unblocked() { return queue.round(); }

  worker::HandlerQueue queue;
  worker::CallGate gate{loop, queue};

 private:
  deliver::HandlerLoop& handler_of(std::size_t i) {
    return reinterpret_cast<deliver::HandlerLoop&>(places_[i]);
  }
  struct alignas(deliver::HandlerLoop) Place {};
  Place places_[3];
};

}  // namespace

TEST_CASE("calls of several handlers are in progress beside each other") {
  Fixture f;
  CHECK(f.admit(0));
  CHECK(f.admit(1));
}

TEST_CASE("a call that is to be alone waits for those in progress, and the others wait for it") {
  Fixture f;
  CHECK(f.admit(0));
  CHECK_FALSE(f.admit(1, true));
  CHECK_FALSE(f.admit(2));
  f.gate.release();
  CHECK(f.unblocked() == std::vector<std::size_t>{1, 2});
  CHECK_FALSE(f.admit(2));
  CHECK(f.admit(1, true));
  CHECK_FALSE(f.admit(0));
  CHECK_FALSE(f.admit(2, true));
  f.gate.release();
  CHECK(f.admit(2, true));
}

TEST_CASE("who may be alone has it at once when no call is in progress") {
  Fixture f;
  CHECK(f.admit(0, true));
  f.gate.release();
  CHECK(f.admit(1));
}

TEST_CASE("of two that want to be alone the first has its turn first") {
  Fixture f;
  CHECK(f.admit(0));
  CHECK_FALSE(f.admit(1, true));
  CHECK_FALSE(f.admit(2, true));
  f.gate.release();
  CHECK_FALSE(f.admit(2, true));
  CHECK(f.admit(1, true));
}

TEST_CASE("who wanted to be alone and no longer asks keeps nobody waiting") {
  Fixture f;
  CHECK(f.admit(0));
  CHECK_FALSE(f.admit(1, true));
  CHECK_FALSE(f.admit(2));
  CHECK(f.unblocked().empty());
  f.withdraw(1);
  CHECK(f.unblocked() == std::vector<std::size_t>{1, 2});
  CHECK(f.admit(2));
}

TEST_CASE("calls are sampled every few seconds as long as one is in progress") {
  Fixture f;
  const auto sampled = "timer " + std::to_string(worker::key(worker::kCalls));
  CHECK(f.admit(0));
  f.clock.now += worker::CallGate::kSampleEach;
  CHECK(f.round() == sampled);
  f.gate.after_sample(true);
  f.clock.now += worker::CallGate::kSampleEach;
  CHECK(f.round() == sampled);
  f.gate.after_sample(false);
  f.clock.now += worker::CallGate::kSampleEach;
  CHECK(f.round() == "");
  CHECK(f.admit(1));
  f.clock.now += worker::CallGate::kSampleEach;
  CHECK(f.round() == sampled);
}
