// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>

namespace standpipe::deliver {

// The outcome of messages that a plugin had taken, as it said it through standpipe.settle/1.
struct LateOutcome {
  std::uint64_t ticket;
  std::uint32_t first, count;  // of the batch that had the ticket
  std::uint32_t outcome;       // STANDPIPE_*; any value
  std::string why;
};

// Outcomes on their way from a plugin's threads to the loop, in memory that a death loses: their
// messages are taken still, and so are redelivered. Outcomes of neighbours become one.
//
// Each message that a plugin has taken has one outcome, so a plugin that is in its right mind never
// has more here than it can take. What is said beyond that is refused: its messages stay taken.
class LateOutcomes {
 public:
  static constexpr std::size_t kMax = 16 * 1024;
  static constexpr std::size_t kReasonBytesMax = 508;

  // Any thread. true: the loop has to be woken, which was not done yet.
  bool push(std::uint64_t ticket, std::uint32_t first, std::uint32_t count, std::uint32_t outcome,
            std::string_view why);
  // plugin::kNoTicket: the plugin asks for a call of tick.
  bool take_wants_tick();
  // Whether there is anything to take, or was refused. Costs no lock.
  bool has_some() const { return has_some_.load(std::memory_order_relaxed); }
  // All but those of that ticket, whose call has not come back yet; 0: there is none.
  std::deque<LateOutcome> take(std::uint64_t except);
  // How many were refused since this was last asked.
  std::uint64_t take_refused();

 private:
  std::atomic<bool> has_some_{false};
  std::mutex mutex_;  // of the next
  std::deque<LateOutcome> outcomes_;
  bool is_woken_ = false;
  bool wants_tick_ = false;
  std::uint64_t refused_ = 0;
};

}  // namespace standpipe::deliver
