// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/clock.h"
#include "base/fd.h"
#include "deliver/message_sink.h"
#include "deliver/options.h"
#include "deliver/plugin_caller.h"

namespace standpipe::deliver {

// When a source plugin is polled, and for how long. One that may wait is asked again at once, and
// waits itself for something to come; `end` has it return before. One that may not (inline), or
// does not, is asked now and then. With each poll it hears up to which message all is safe. After
// one that brought few messages the next one is a round of the loop later: what is settled at once
// is safe by then, and need not end the poll. (A peer that waits for its answer before it sends
// more would wait for that, too.) One that brought many is asked while those are delivered.
//
// The loop's thread.
class Polling {
 public:
  // A poll's longest, of one that may wait; and the pause after one that brought nothing at once.
  static constexpr Nanoseconds kMost = std::chrono::seconds(1);
  static constexpr Nanoseconds kPause = std::chrono::milliseconds(10);
  // So few messages are delivered sooner than a poll is ended and made again.
  static constexpr std::size_t kFew = 16;

  // Throws Failure. Both must outlive it.
  Polling(const HandlerOptions& options, const MessageSink& sink);

  int wake_fd() const { return wake_.get(); }  // standpipe_credit.wake_fd

  bool is_due(Nanoseconds now) const { return due_ <= now; }
  Nanoseconds due() const { return due_; }
  // The next poll is not of this round. true once after each poll that brought few.
  bool waits_a_round() { return std::exchange(waits_a_round_, false); }
  // More is safe than it was told of.
  bool has_news() const;
  // Of a poll now; without credit it only hears what is safe.
  CallTerms terms(Nanoseconds now, const MakeCredit& credit) const;

  void began(const CallTerms& terms);
  void came_back(std::size_t made, Nanoseconds now);
  // The poll in progress is to return. Any number of times.
  void end();

 private:
  bool waits() const { return options_.where() != Placement::inline_; }

  const HandlerOptions& options_;
  const MessageSink& sink_;
  Fd wake_;                // an eventfd
  bool is_ended_ = false;  // it says so
  bool waits_a_round_ = false;
  std::uint64_t told_ = 0;  // up to which message all is safe, as it knows
  Nanoseconds due_{0};
  // Of the last poll.
  Nanoseconds deadline_{0};
  bool has_credit_ = false;
};

}  // namespace standpipe::deliver
