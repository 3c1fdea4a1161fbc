// SPDX-License-Identifier: Apache-2.0
#include "worker/full_logs.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <string>

#include "base/limits.h"
#include "worker/hub_kit.h"

using namespace standpipe;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kLarge = 3 * MiB;

// Two sources whose large frames do not both find room in memory.
class Fixture : public test::HubKit {
 public:
  Fixture() : HubKit(2) {
    options.memory_max = 5 * MiB;
    for (auto& source : options.sources) source.message_size_max = kLarge;
    begin();
  }
  void begin_large(std::size_t source) {
    writers_[source] =
        Fd(::open(options.sources[source].path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    left_[source] = kLarge;
    std::uint8_t header[STANDPIPE_WIRE_HEADER_BYTES];
    standpipe_wire_put_length(header, kLarge);
    REQUIRE(::write(writers_[source].get(), header, sizeof header) == sizeof header);
  }
  // Until so much is left of it, or what comes finds no room.
  void write_until(std::size_t source, std::size_t left) {
    const std::string some(32 * KiB, 'x');
    for (int idle = 0; idle < 20 && left_[source] > left; ++idle) {
      const auto count = std::min(left_[source] - left, some.size());
      const auto wrote = ::write(writers_[source].get(), some.data(), count);
      if (wrote > 0) {
        left_[source] -= static_cast<std::size_t>(wrote);
        idle = 0;
      }
      hub->round();
    }
  }
  bool is_full(std::size_t source) const { return hub->sources()[source].is_full; }
  std::uint64_t truncated(std::size_t source) const {
    return hub->account().sources[source].counters.truncated;
  }

 private:
  std::array<Fd, 2> writers_;
  std::array<std::size_t, 2> left_{};
};

}  // namespace

TEST_CASE("while memory is short, a frame that does not come gives way to one that does") {
  Fixture f;
  f.begin_large(0);
  f.write_until(0, 100);
  f.begin_large(1);
  f.write_until(1, 0);
  REQUIRE(f.is_full(1));
  f.clock.ahead += kDribbleMax;
  REQUIRE(f.until([&] { return f.truncated(0) == 1; }));
  f.write_until(1, 0);
  CHECK(f.until([&] { return f.delivered(1) == 1; }));
  CHECK(f.truncated(1) == 0);
}

TEST_CASE("while nobody waits for memory, a frame may take all the time it wants") {
  Fixture f;
  f.begin_large(0);
  f.write_until(0, 100);
  for (int i = 0; i < 5; ++i) {
    f.clock.ahead += kDribbleMax;
    f.send("quick", 1);
    REQUIRE(f.until([&] { return f.delivered(1) == static_cast<std::uint64_t>(i) + 1; }));
  }
  CHECK(f.truncated(0) == 0);
  f.write_until(0, 0);
  CHECK(f.until([&] { return f.delivered(0) == 1; }));
}
