// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "worker/feed.h"

namespace standpipe::worker {

// Several feeds of one log, one after the other: the next one's turn comes when the one before it
// has ended, so what it feeds is younger. They live at least as long.
class FeedSequence final : public Feed {
 public:
  explicit FeedSequence(std::vector<Feed*> feeds) : feeds_(std::move(feeds)) {}

  void recover(Intake& intake) override {
    for (auto* feed : feeds_) feed->recover(intake);
  }
  Turn feed(Intake& intake) override {
    for (; current_ < feeds_.size(); ++current_)
      if (const auto turn = feeds_[current_]->feed(intake); turn != Turn::ended) return turn;
    return Turn::ended;
  }
  // Also of those that have ended: what they fed may not have been passed then.
  void passed(log::Position trimmed) override {
    for (auto* feed : feeds_) feed->passed(trimmed);
  }

 private:
  std::vector<Feed*> feeds_;
  std::size_t current_ = 0;
};

}  // namespace standpipe::worker
