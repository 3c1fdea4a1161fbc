// SPDX-License-Identifier: Apache-2.0
#include "keeper.h"

#include <utility>

namespace nats {

Keeper::Keeper(std::chrono::nanoseconds period, std::function<void()> keep)
    : period_(period), keep_(std::move(keep)), thread_([this] { run(); }) {}

Keeper::~Keeper() {
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Keeper::run() {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, period_, [this] { return is_over_; })) {
    lock.unlock();
    keep_();
    lock.lock();
  }
}

}  // namespace nats
