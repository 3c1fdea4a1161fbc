// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "block.h"

namespace unix_socket {

// What the host's thread and the sender's share: blocks on their way from one to the other, the
// window that bounds what is not settled, and whether there is anybody to send to. Any thread.
class Outbox {
 public:
  using Clock = std::chrono::steady_clock;
  // The least that any receiver takes at most.
  struct Limits {
    std::size_t message = SIZE_MAX;  // bytes of a payload
    std::size_t packet = SIZE_MAX;   // bytes of a whole packet
  };
  struct Room {
    std::size_t messages = 0, bytes = 0;  // no messages: there is none
    Limits limits = {};
  };

  Outbox(std::size_t messages_max, std::size_t bytes_max)
      : messages_max_(messages_max), bytes_max_(bytes_max) {}

  // ---- the host's thread
  Room wait_for_room(Clock::time_point until) {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, until, [&] { return failure_ || has_room(); });
    if (failure_ || !has_room()) return {};
    return {messages_max_ - messages_, bytes_max_ - bytes_, limits_};
  }
  // An empty block.
  BlockPtr make(const standpipe::Taken& first) {
    const std::lock_guard lock(mutex_);
    if (spare_.empty()) return std::make_shared<Block>(first);
    auto block = std::move(spare_.back());
    spare_.pop_back();
    block->reuse(first);
    return block;
  }
  // true: the sender sleeps, and must be woken.
  bool push(BlockPtr block) {
    const std::lock_guard lock(mutex_);
    messages_ += block->count();
    bytes_ += block->size();
    incoming_.push_back(std::move(block));
    return std::exchange(is_asleep_, false);
  }
  // For flush and open.
  bool wait_until_empty(Clock::time_point until) {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, until, [&] { return failure_ || messages_ == 0; });
    return messages_ == 0;
  }
  bool wait_until_ready(Clock::time_point until) {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, until, [&] { return failure_ || is_ready_; });
    return !failure_ && is_ready_;
  }
  std::optional<std::string> failure() const {
    const std::lock_guard lock(mutex_);
    return failure_;
  }
  void clear() {
    const std::lock_guard lock(mutex_);
    incoming_.clear();
    messages_ = bytes_ = 0;
    failure_.reset();
    is_ready_ = is_asleep_ = false;
  }

  // ---- the sender's thread
  // false: there was nothing, and from now on push says that the sender is to be woken.
  bool take(std::deque<BlockPtr>& to) {
    const std::lock_guard lock(mutex_);
    is_asleep_ = incoming_.empty();
    for (auto& block : incoming_) to.push_back(std::move(block));
    incoming_.clear();
    return !is_asleep_;
  }
  void release(std::size_t messages, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    messages_ -= messages;
    bytes_ -= bytes;
    changed_.notify_all();
  }
  // It is settled, and nobody looks at it any more: memory that was just used is warm, and new
  // memory of this size costs a page fault for each 4 KiB.
  void recycle(const BlockPtr& block) {
    const std::lock_guard lock(mutex_);
    if (spare_.size() < kSpareMost && block->capacity() <= kSpareBytes) spare_.push_back(block);
  }
  void set_ready(bool is_ready, Limits limits) {
    const std::lock_guard lock(mutex_);
    is_ready_ = is_ready;
    limits_ = limits;
    changed_.notify_all();
  }
  void fail(std::string why) {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::move(why);
    changed_.notify_all();
  }

 private:
  static constexpr std::size_t kSpareMost = 8, kSpareBytes = 1 << 20;

  // Nobody has greeted: none. Else half of the window, so that a full window is filled again by
  // many messages at a time.
  bool has_room() const {
    return is_ready_ && messages_ <= messages_max_ / 2 && bytes_ <= bytes_max_ / 2;
  }

  std::size_t messages_max_, bytes_max_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<BlockPtr> incoming_;
  std::vector<BlockPtr> spare_;
  std::size_t messages_ = 0, bytes_ = 0;
  Limits limits_;
  std::optional<std::string> failure_;
  bool is_ready_ = false, is_asleep_ = false;
};

}  // namespace unix_socket
