// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <standpipe/plugin.hpp>
#include <string>
#include <thread>
#include <vector>

#include "common/taken_window.h"
#include "entry.h"
#include "queue.h"

// Sends entries from a thread of its own: up to ten a request and several requests at a time, as
// soon as there are some. So requests fill up by themselves when SQS is slower than messages come.
//
// Lanes: of a standard queue all requests take from one lane. Of a FIFO queue each request has a
// lane of its own, and a group is always in the same one, so the order of each group is kept.
//
// A request that fails because SQS is busy is sent again (the same entries, so a FIFO queue
// recognises them) a few times; then it is an outage, which `check` throws. It never returns from
// that: a new one is made at the next opening.
class Sender {
 public:
  struct Limits {
    std::size_t requests;
    std::size_t batch_bytes;
  };

  Sender(std::unique_ptr<Queue> queue, Limits limits, common::TakenWindow& window);
  ~Sender();
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;

  std::size_t message_bytes_max() const { return message_bytes_max_; }
  void push(std::vector<Entry> entries);
  // Throws standpipe::disconnected or fatal once that is so.
  void check() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Slot {  // a request that is running, waits to be sent again, or is empty
    std::vector<Entry> entries;
    std::deque<Entry> alone;  // to be sent after these, one by one
    std::size_t attempts = 0;
    std::optional<Clock::time_point> again_at;
  };

  void run();
  void fill();
  void take(std::deque<Entry>& lane, std::vector<Entry>& entries) const;
  void start(std::size_t index);
  void start_again();
  Clock::time_point next_start() const;
  void finish(const Reply& reply);
  void settle(Slot& slot, const Reply& reply);
  void settle_failure(const Entry& entry, const JsonValue& failure);
  void refuse(Slot& slot, const Trouble& trouble);
  void again_later(Slot& slot, const Trouble& trouble);
  void fail(Trouble trouble);

  std::unique_ptr<Queue> queue_;
  const std::size_t message_bytes_max_, batch_bytes_max_;
  common::TakenWindow& window_;
  mutable std::mutex mutex_;  // of lanes_, is_over_ and trouble_
  std::vector<std::deque<Entry>> lanes_;
  bool is_over_ = false;
  Trouble trouble_;
  std::vector<Slot> slots_;
  std::uint64_t random_;
  std::thread thread_;
};
