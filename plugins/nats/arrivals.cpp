// SPDX-License-Identifier: Apache-2.0
#include "arrivals.h"

#include <utility>

namespace nats {

void Arrivals::add(Owned<natsMsg> message) {
  const std::lock_guard lock(mutex_);
  messages_.push_back(std::move(message));
  signal();
}

void Arrivals::wake() {
  const std::lock_guard lock(mutex_);
  signal();
}

void Arrivals::signal() {
  if (!is_signalled_) has_some_->set();
  is_signalled_ = true;
}

std::deque<Owned<natsMsg>> Arrivals::take_all() {
  const std::lock_guard lock(mutex_);
  if (is_signalled_) has_some_->clear();
  is_signalled_ = false;
  return std::exchange(messages_, {});
}

}  // namespace nats
