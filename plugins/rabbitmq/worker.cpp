// SPDX-License-Identifier: Apache-2.0
#include "worker.h"

#include <utility>

Worker::Worker(Connection& connection, std::function<void()> serve, std::function<void()> failed)
    : connection_(connection), serve_(std::move(serve)), failed_(std::move(failed)) {
  thread_ = std::thread([this] { run(); });
}

void Worker::stop() {
  if (!thread_.joinable()) return;
  std::unique_lock lock(mutex_);
  stops_ = true;
  wake_.set();
  if (!has_ended_.wait_for(lock, kEndMost, [this] { return is_over_; })) connection_.shut_down();
  lock.unlock();
  thread_.join();
}

void Worker::run() {
  std::exception_ptr failure;
  try {
    serve_();
    connection_.close(kGoodbyeMost);
  } catch (...) {
    failure = std::current_exception();
  }
  {
    const std::lock_guard lock(mutex_);
    failure_ = failure;
    is_over_ = true;
  }
  has_ended_.notify_all();
  if (failure) failed_();
}
