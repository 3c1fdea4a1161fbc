// SPDX-License-Identifier: Apache-2.0
#include "deliver/handler_state.h"

#include <catch2/catch.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "deliver/needs.h"
#include "deliver/one_delivery.h"
#include "deliver/scripted.h"

using namespace standpipe;
using namespace std::chrono_literals;

namespace {

// A plugin in whose calls the test looks at the handler, as the loop does while one is in a thread.
class Watched final : public test::PluginInside {
 public:
  Watched()
      : PluginInside("watched", {sizeof(standpipe_handler), STANDPIPE_INLINE, create, open, handle,
                                 nullptr, close, destroy, nullptr, nullptr}) {
    current() = this;
  }
  std::function<void()> in_open = [] {}, in_handle = [] {};

 private:
  static Watched*& current() {
    static Watched* it = nullptr;
    return it;
  }
  static std::uint32_t create(const standpipe_host*, const standpipe_config*, void** self,
                              standpipe_reason*) {
    *self = current();
    return STANDPIPE_OK;
  }
  static std::uint32_t open(void* self, standpipe_reason*) {
    static_cast<Watched*>(self)->in_open();
    return STANDPIPE_OK;
  }
  static std::uint32_t handle(void* self, const standpipe_batch*, standpipe_result*) {
    static_cast<Watched*>(self)->in_handle();
    return STANDPIPE_OK;
  }
  static void close(void*) {}
  static void destroy(void*) {}
};

class Fixture : public test::Needs {
 public:
  Fixture() {
    deliver::HandlerOptions options;
    options.name = "it";
    options.plugin = &watched.plugin;
    loop = std::make_unique<deliver::HandlerLoop>(options, 0, needs(time, one.memory));
    loop->create();
    auto delivery = std::make_unique<deliver::Delivery>("other", "it", 1, one.log, 1);
    loop->add(std::move(delivery));
  }
  void append(const char* text) {
    one.append(text, 2);
    ++loop->deliveries()[0]->edit_tally().matched;
    one.memory.commit();
  }
  void run() {
    for (int i = 0; i < 10 && loop->advance(time.now); ++i) {
    }
  }
  void remind_after(Nanoseconds pause) { loop->remind_of_call(time.now + pause); }

  Watched watched;
  test::ManualClock time;
  test::OneDelivery one;
  std::unique_ptr<deliver::HandlerLoop> loop;
};

}  // namespace

TEST_CASE_METHOD(Fixture, "a handler in a call says in which, and for how long") {
  std::vector<deliver::HandlerState> seen;
  const auto look = [&] {
    seen.push_back(loop->state(time.now + 3s));
    seen.push_back(loop->state(time.now - 3s));  // another thread's clock may be ahead
  };
  watched.in_open = watched.in_handle = look;
  append("a");
  run();
  REQUIRE(seen.size() == 4);
  CHECK(seen[0].name == "opening");
  CHECK(seen[0].phase == "open");
  CHECK(seen[0].in_call == 3s);
  CHECK(seen[1].in_call == 0s);
  CHECK(seen[2].name == "ready");
  CHECK(seen[2].phase == "handle");
  CHECK(loop->state(time.now).phase.empty());
}

TEST_CASE_METHOD(Fixture, "a call that does not return is reported after 10 s, and then rarely") {
  watched.in_handle = [this] {
    remind_after(10s - 1ns);
    CHECK(quiet.reported.empty());
    remind_after(10s);
    remind_after(15s);
    CHECK(quiet.reported.size() == 1);
    remind_after(20s);
    CHECK(quiet.reported.size() == 2);
  };
  append("a");
  append("b");
  run();
  CHECK(quiet.reported[0] ==
        "it: its plugin has been in one call of handle for 10s, with 2 messages of other from "
        "number 1 on");
}

TEST_CASE_METHOD(Fixture, "of a call without messages none are named, and none is reported later") {
  watched.in_open = [this] { remind_after(12s); };
  run();
  remind_after(60s);
  CHECK(quiet.reported ==
        std::vector<std::string>{"it: its plugin has been in one call of open for 12s"});
}
