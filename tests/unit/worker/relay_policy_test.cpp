// SPDX-License-Identifier: Apache-2.0
#include "worker/relay_policy.h"

#include <fcntl.h>
#include <standpipe/plugin.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "worker/hub_kit.h"

using namespace standpipe;
using namespace std::chrono_literals;

namespace {

// The plugin sends everything to one FIFO, and is not asked.
class Fixture : public test::HubKit {
 public:
  Fixture() {
    plugin.on_open = [path = folder / "out"](const standpipe_host& host) {
      standpipe_fifo_output fifo{};
      fifo.size = sizeof fifo;
      fifo.path = {path.data(), static_cast<std::uint32_t>(path.size())};
      fifo.mode = 0600;
      fifo.create = 1;
      const auto* power = static_cast<const standpipe_output*>(host.extension(
          host.self, {STANDPIPE_OUTPUT_EXTENSION, sizeof STANDPIPE_OUTPUT_EXTENSION - 1}));
      power->send_all(host.self, power->add_fifo(host.self, &fifo, nullptr));
    };
  }
  // From the output's FIFO, all that comes in a few rounds.
  std::string read() {
    if (!reader) reader = Fd(::open((folder / "out").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    std::string text;
    char piece[4096];
    for (int i = 0; i < 20; ++i) {
      keeper.say("ping", "");  // so that there is something to wait for
      hub->round();
      if (const auto n = ::read(reader.get(), piece, sizeof piece); n > 0)
        text.append(piece, static_cast<std::size_t>(n));
    }
    return text;
  }
  Fd reader;
};

}  // namespace

TEST_CASE("a source that feeds one output and nothing else is relayed, which is reported") {
  Fixture f;
  f.begin();
  f.read();
  f.send(std::string(2000, 'x'));
  CHECK(f.read().size() == 2004);
  const auto relays = f.hub->relays();
  REQUIRE(relays.size() == 1);
  CHECK(relays[0].source == "in0");
  CHECK(relays[0].output == f.folder / "out");
  CHECK_FALSE(relays[0].refused);
}

TEST_CASE(
    "a source whose FIFO others may write to could be relayed, and the reason why not is "
    "reported") {
  Fixture f;
  f.options.sources[0].mode = 0622;
  f.begin();
  f.read();
  f.send("one");
  CHECK(f.read().size() == 7);
  const auto relays = f.hub->relays();
  REQUIRE(relays.size() == 1);
  CHECK(relays[0].refused.value_or("").find("0622") != std::string::npos);
}

TEST_CASE("a handler that two sources feed has no relay") {
  test::HubKit kit(2);
  kit.begin();
  kit.send("one");
  REQUIRE(kit.until([&] { return kit.delivered() == 1; }));
  CHECK(kit.hub->relays().empty());
}
