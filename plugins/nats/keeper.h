// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace nats {

// Calls `keep` every so often, in a thread of its own, since a source is not polled while the hub
// has no room: until it is destroyed.
class Keeper {
 public:
  Keeper(std::chrono::nanoseconds period, std::function<void()> keep);
  ~Keeper();
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

 private:
  void run();

  std::chrono::nanoseconds period_;
  std::function<void()> keep_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_over_ = false;
  std::thread thread_;
};

}  // namespace nats
