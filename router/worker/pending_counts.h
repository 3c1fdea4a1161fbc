// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/bits.h"
#include "deliver/account.h"

namespace standpipe::worker {

// What an intake has indexed and not counted yet, in plain memory: the counters that outlive the
// worker are opened once for many short runs. They are counted before what was indexed is
// committed, so that a message is in the log and in the counters, or in neither.
//
// Deliveries are known by their bits.
class PendingCounts {
 public:
  PendingCounts(std::size_t deliveries, std::size_t words)
      : by_delivery_(deliveries), news_(words) {}

  // There are more deliveries than at first.
  void has_bits(std::size_t deliveries) { by_delivery_.resize(deliveries); }

  // Messages for that set. `wanted`: by a route; if not, the set is the unmatched handler, or
  // empty.
  void add(std::uint32_t messages, std::size_t bytes, std::span<const std::uint64_t> set,
           bool wanted) {
    messages_ += messages;
    bytes_ += bytes;
    bool taken = false;
    for (std::size_t w = 0; w < set.size(); ++w) news_[w] |= set[w];
    for_bits(set, [&](std::size_t bit) {
      taken = true;
      by_delivery_[bit].matched += messages;
    });
    if (taken)
      (wanted ? matched_ : unmatched_taken_) += messages;
    else if (!wanted)
      no_route_ += messages;
  }
  // Of those, these find the queues of these deliveries full, and are dropped for them.
  void add_dropped(std::uint32_t messages, std::span<const std::uint64_t> set) {
    for_bits(set, [&](std::size_t bit) { by_delivery_[bit].dropped += messages; });
  }
  // What the delivery has been given.
  std::uint64_t left_of(std::size_t bit) const {
    return by_delivery_[bit].matched - by_delivery_[bit].dropped;
  }
  // Of those: messages that routes could not look into.
  struct Unseen {
    std::uint64_t above_match_max = 0, too_long_for_patterns = 0;

    void operator+=(const Unseen& other) {
      above_match_max += other.above_match_max;
      too_long_for_patterns += other.too_long_for_patterns;
    }
  };
  void add(const Unseen& unseen) { unseen_ += unseen; }
  bool empty() const { return messages_ == 0; }

  // What somebody should hear of.
  struct News {
    std::uint64_t no_route = 0, too_long_for_patterns = 0;
  };
  struct OfDelivery {
    std::uint64_t matched = 0, dropped = 0;
  };
  // Adds all to the counters, and calls `each` with the bit of a delivery and what is its own.
  template <class Each>
  News move_to(deliver::SourceCounters& counters, Each each) {
    counters.accepted += messages_;
    counters.bytes += bytes_;
    counters.matched += matched_;
    counters.unmatched += messages_ - matched_;
    counters.unmatched_taken += unmatched_taken_;
    const auto unseen = std::exchange(unseen_, {});
    counters.above_match_max += unseen.above_match_max;
    counters.too_long_for_patterns += unseen.too_long_for_patterns;
    for (std::size_t bit = 0; bit < by_delivery_.size(); ++bit)
      if (const auto counts = std::exchange(by_delivery_[bit], {}); counts.matched > 0)
        each(bit, counts);
    messages_ = bytes_ = matched_ = unmatched_taken_ = 0;
    return {std::exchange(no_route_, 0), unseen.too_long_for_patterns};
  }

  // Deliveries for which messages came since this was last asked, counted or not.
  void collect_news(std::vector<std::size_t>& bits) {
    for_bits(news_, [&](std::size_t bit) { bits.push_back(bit); });
    std::fill(news_.begin(), news_.end(), 0);
  }

 private:
  std::uint64_t messages_ = 0, bytes_ = 0, matched_ = 0, unmatched_taken_ = 0, no_route_ = 0;
  Unseen unseen_;
  std::vector<OfDelivery> by_delivery_;
  std::vector<std::uint64_t> news_;
};

}  // namespace standpipe::worker
