// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>

#include "base/clock.h"

namespace standpipe::worker {

// How far a worker is in giving way to the next one, which has another configuration:
//
//   none       it works, and nobody follows
//   draining   handlers that the next one does not have get what they have in hand; their sources
//              wait meanwhile, and everything else goes on
//   quieting   no call is begun, and nothing is read, until those in progress have come back. From
//              here on writers wait: this is the pause.
//   closing    what comes next is settled with the keeper: handlers flush and close
//   over       the process becomes the next worker
//
// Until `closing` it can be cancelled, and nothing has changed. Each state is bounded: what a
// handler does not get rid of is not waited for when it stands still, a call that does not come
// back cancels all of it, and a plugin that does not close is left behind.
class Succession {
 public:
  enum class State { none, draining, quieting, closing, over };
  // A handler that got nothing out of hand for so long is not waited for.
  static constexpr Nanoseconds kStandsStill = std::chrono::seconds(1);
  static constexpr Nanoseconds kCallMost = std::chrono::seconds(5);
  static constexpr Nanoseconds kCloseMost = std::chrono::seconds(5);
  static constexpr Nanoseconds kPoll = std::chrono::milliseconds(10);

  // What the next worker does not have, by numbers.
  struct Leaving {
    std::set<std::size_t> handlers;
    std::set<std::size_t> sources;  // what lies in their FIFOs is read before `closing`
    std::set<std::size_t> feeding;  // sources of these handlers: nothing is read of them meanwhile
  };

  State state() const { return state_; }
  bool is_under_way() const { return state_ != State::none; }
  // Nothing but what is in progress goes on.
  bool is_quiet() const { return state_ >= State::quieting; }
  bool is_closing() const { return state_ == State::closing; }
  bool is_over() const { return state_ == State::over; }
  const Leaving& leaving() const { return leaving_; }

  // none -> draining. `patience`: with the leaving handlers, all together.
  void begin(Leaving leaving, Nanoseconds now, Nanoseconds patience);
  // Of the leaving handlers that work: what they have in hand, and how far they are (any number
  // that changes when one is). true: nothing is to be waited for.
  bool has_drained(std::uint64_t in_hand, std::uint64_t progress, Nanoseconds now);
  void quiet(Nanoseconds now);  // draining -> quieting
  void close(Nanoseconds now);  // quieting -> closing
  void end();                   // closing -> over
  void cancel();                // -> none

  // A leaving source's FIFO was read to its end, or there is no room for what is in it.
  void has_read(std::size_t source) { to_read_.erase(source); }
  const std::set<std::size_t>& to_read() const { return to_read_; }
  bool may_read(std::size_t source) const;

  Nanoseconds quiet_since() const { return quiet_since_; }  // when the pause began
  bool is_overdue(Nanoseconds now) const { return is_under_way() && now >= deadline_; }

 private:
  State state_ = State::none;
  Leaving leaving_;
  std::set<std::size_t> to_read_;
  Nanoseconds deadline_{0}, quiet_since_{0}, moved_at_{0};
  std::optional<std::uint64_t> progress_;
};

}  // namespace standpipe::worker
