// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

#include "common/wake.h"
#include "connection.h"

// The thread that has a connection: the library is not to be called by two of them, and waits in
// its calls. It serves until it is stopped, says good-bye, and ends; or it ends by what has ended
// the connection.
class Worker {
 public:
  // `serve` returns once stops() is true. `failed` is called in the thread, once failure() is set.
  Worker(Connection& connection, std::function<void()> serve, std::function<void()> failed);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  // For at most two seconds: a broker that reads nothing would keep the thread in the library.
  ~Worker() { stop(); }
  void stop();

  // Guards also what others share with the thread.
  std::mutex& mutex() { return mutex_; }
  // Both with the mutex held.
  bool stops() const { return stops_; }
  void rethrow_failure() const {
    if (failure_) std::rethrow_exception(failure_);
  }
  bool has_failed() const { return failure_ != nullptr; }

  // Wakes the thread; and what the thread does where there is nothing to read and to send.
  void wake() const { wake_.set(); }
  void wait() { wake_.wait_with(connection_.fd(), connection_.patience_ms()); }

 private:
  static constexpr std::chrono::milliseconds kGoodbyeMost{500};
  static constexpr std::chrono::milliseconds kEndMost{1500};

  void run();

  Connection& connection_;
  std::function<void()> serve_, failed_;
  common::Wake wake_;
  std::mutex mutex_;
  std::condition_variable has_ended_;
  bool stops_ = false, is_over_ = false;
  std::exception_ptr failure_;
  std::thread thread_;
};
