// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <vector>

#include "deliver/delivery.h"

namespace standpipe::deliver {

// The deliveries of one handler, taken in turn, so that a busy source does not keep a quiet one
// waiting. One whose messages go to a queue on disk has nothing for the handler meanwhile: those
// come by the queue's own delivery.
class DeliveryRing {
 public:
  Delivery& add(std::unique_ptr<Delivery> delivery) {
    return *all_.emplace_back(std::move(delivery));
  }
  const std::vector<std::unique_ptr<Delivery>>& all() const { return all_; }
  std::size_t size() const { return all_.size(); }

  Delivery& current() const { return *all_[turn_]; }  // there is one
  void pass() { turn_ = (turn_ + 1) % all_.size(); }

  bool has_more() const {
    return std::any_of(all_.begin(), all_.end(), [](const auto& d) {
      return !d->is_queued() && (d->may_have_more() || !d->redeliveries().empty());
    });
  }
  // Nothing is open, and nothing lies after the cursors.
  bool drained() const {
    return std::all_of(all_.begin(), all_.end(), [](const auto& d) {
      return d->is_queued() || (!d->has_open() && !d->may_have_more());
    });
  }

 private:
  std::vector<std::unique_ptr<Delivery>> all_;
  std::size_t turn_ = 0;
};

}  // namespace standpipe::deliver
