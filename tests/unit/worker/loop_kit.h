// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "worker/event_loop.h"

namespace test {

using namespace standpipe;

// An event loop whose clock stands still until the test moves it.
struct LoopKit {
  static constexpr std::uint64_t kWake = 99;

  struct ManualClock final : Clock {
    Nanoseconds steady() const override { return now; }
    Nanoseconds wall() const override { return now; }
    Nanoseconds now = std::chrono::seconds(1);
  };

  // What has happened, without waiting for more: "event 7, timer 2".
  std::string round() { return wait(true); }
  std::string wait(bool is_work = false) {
    std::string told;
    const auto tell = [&](const char* what, std::uint64_t key) {
      told += (told.empty() ? "" : ", ") + std::string(what) + ' ' + std::to_string(key);
    };
    loop.wait(
        is_work, [&](std::uint64_t key, std::uint32_t) { tell("event", key); },
        [&](std::uint64_t key) { tell("timer", key); });
    return told;
  }

  ManualClock clock;
  worker::EventLoop loop{clock, kWake};
};

}  // namespace test
