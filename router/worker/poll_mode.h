// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <utility>

#include "base/clock.h"

namespace standpipe::worker {

// Interrupt moderation for one source, as drivers of network cards do it. With many small writes,
// being notified of each costs more than the messages do: a write to a FIFO in an epoll set costs
// its writer 0.26 us more, and each of the hub's turns handles only a few messages. Such a source
// is polled instead, and messages gather in its FIFO meanwhile.
class PollMode {
 public:
  static constexpr Nanoseconds kInterval =
      std::chrono::microseconds(50);  // from one poll to the next: the most a message waits longer
  static constexpr Nanoseconds kWindow =
      std::chrono::milliseconds(1);                         // after which it is judged anew
  static constexpr std::uint64_t kBegin = 300, kEnd = 150;  // messages in a window
  static constexpr std::uint64_t kTurns = 20;  // in a window; fewer: they gather without us
  static constexpr unsigned kSustained =
      4;  // windows; fewer may be what gathered while the hub slept

  // A turn is over; `messages` came since the source began.
  void after_turn(Nanoseconds now, std::uint64_t messages) {
    ++turns_;
    const auto length = now - began_;
    if (length < kWindow) return;
    const auto came = (messages - messages_) * static_cast<std::uint64_t>(kWindow.count()) /
                      static_cast<std::uint64_t>(length.count());
    const bool many_turns = length < 2 * kWindow && turns_ >= kTurns;
    if (polled_)
      polled_ = came >= kEnd;
    else
      polled_ = (busy_ = many_turns && came >= kBegin ? busy_ + 1 : 0) >= kSustained;
    began_ = now;
    messages_ = messages;
    turns_ = 0;
  }
  // Whether the source is to be polled instead of being watched by epoll.
  bool is_polled() const { return polled_; }
  void keep_polling() { polled_ = true; }
  // true: it was polled until now.
  bool end() {
    busy_ = 0;
    return std::exchange(polled_, false);
  }

 private:
  bool polled_ = false;
  unsigned busy_ = 0;  // windows, the last ones
  Nanoseconds began_{0};
  std::uint64_t turns_ = 0, messages_ = 0;
};

}  // namespace standpipe::worker
