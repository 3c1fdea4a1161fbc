// SPDX-License-Identifier: Apache-2.0
#include "worker/overflow_policy.h"

#include <standpipe/plugin.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "worker/hub_kit.h"

using namespace standpipe;
using namespace std::chrono_literals;
using test::HubKit;

namespace {

// A plugin that cannot be opened, and says that a person must act.
class Held {
 public:
  Held() {
    handler_.size = sizeof handler_;
    handler_.create = [](const standpipe_host*, const standpipe_config*, void** self,
                         standpipe_reason*) {
      *self = &plugin_self;
      return std::uint32_t{STANDPIPE_OK};
    };
    handler_.open = [](void*, standpipe_reason*) { return std::uint32_t{STANDPIPE_FATAL}; };
    handler_.handle = [](void*, const standpipe_batch*, standpipe_result*) {
      return std::uint32_t{STANDPIPE_OK};
    };
    handler_.close = [](void*) {};
    handler_.destroy = [](void*) {};
    abi_.size = sizeof abi_;
    abi_.abi_major = STANDPIPE_ABI_MAJOR;
    abi_.handler = &handler_;
    plugin.name = "held";
    plugin.abi = &abi_;
  }
  plugin::Plugin plugin;

 private:
  static inline int plugin_self = 0;
  standpipe_handler handler_{};
  standpipe_plugin abi_{};
};

// A source with a small log, one handler that takes all, and one that is held.
class Fixture : public HubKit {
 public:
  Fixture() { options.sources[0].log_size_max = kLogSizeLeast; }
  void start() {
    link = keeper.start();
    hub = std::make_unique<worker::Hub>(options, clock, reporter, *link);
    const auto not_ready = hub->start(5s);
    CHECK(std::count(not_ready.begin(), not_ready.end(), "held") == 1);
  }
  // A message of a kilobyte. false: the FIFO is full, and stays so.
  bool send_one() {
    for (int i = 0; i < 50; ++i) {
      if (try_send(std::string(1000, 'x'))) return true;
      keeper.say("ping", "");  // so that there is something to wait for
      hub->round();
    }
    return false;
  }

  Held held;
};

}  // namespace

TEST_CASE("what a held handler holds back goes to the disk, and the others go on") {
  Fixture f;
  f.add_handler("held", f.held.plugin);
  f.start();
  for (int i = 0; i < 1000; ++i) REQUIRE(f.send_one());
  REQUIRE(f.until([&] { return f.delivered() == 1000; }));
  const auto overflows = f.hub->overflows();
  REQUIRE(overflows.size() == 1);
  CHECK(overflows[0].source == "in0");
  CHECK(overflows[0].state.messages > 500);
}

TEST_CASE(
    "where all handlers of a source are held its writers wait, and nothing goes to the disk") {
  Fixture f;
  f.options.handlers.clear();
  f.options.routes.clear();
  f.add_handler("held", f.held.plugin);
  f.start();
  int sent = 0;
  while (sent < 5000 && f.send_one()) ++sent;
  CHECK(sent < 5000);
  CHECK(f.hub->overflows().empty());
}
