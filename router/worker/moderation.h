// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <utility>

#include "base/clock.h"

namespace standpipe::worker {

// Interrupt moderation, as drivers of network cards do it, for one source. Where many small writes come, being told of each costs
// more than the messages do: a write to a FIFO in an epoll set costs its writer 0.26 us more, and the hub's turn is for a handful
// of messages. Such a source is looked at by the clock instead, and what comes meanwhile gathers in its FIFO.
class Moderation {
 public:
  static constexpr Nanoseconds kLook = std::chrono::microseconds(50);  // from one look to the next: the most a message waits longer
  static constexpr Nanoseconds kWindow = std::chrono::milliseconds(1);  // after which it is judged anew
  static constexpr std::uint64_t kBegin = 300, kEnd = 150;              // messages in a window
  static constexpr std::uint64_t kTurns = 20;                           // in a window; fewer: they gather without us
  static constexpr unsigned kSustained = 4;                             // windows; fewer may be what gathered while the hub slept

  // A turn is over; `messages` came since the source began.
  void after_turn(Nanoseconds now, std::uint64_t messages) {
    ++turns_;
    const auto length = now - began_;
    if (length < kWindow) return;
    const auto came =
        (messages - messages_) * static_cast<std::uint64_t>(kWindow.count()) / static_cast<std::uint64_t>(length.count());
    const bool many_turns = length < 2 * kWindow && turns_ >= kTurns;
    if (by_clock_)
      by_clock_ = came >= kEnd;
    else
      by_clock_ = (busy_ = many_turns && came >= kBegin ? busy_ + 1 : 0) >= kSustained;
    began_ = now;
    messages_ = messages;
    turns_ = 0;
  }
  // Whether it is to be looked at by the clock, and not by epoll.
  bool by_clock() const { return by_clock_; }
  void go_on() { by_clock_ = true; }
  // true: it was by the clock until now.
  bool end() {
    busy_ = 0;
    return std::exchange(by_clock_, false);
  }

 private:
  bool by_clock_ = false;
  unsigned busy_ = 0;  // windows, the last ones
  Nanoseconds began_{0};
  std::uint64_t turns_ = 0, messages_ = 0;
};

}  // namespace standpipe::worker
