// SPDX-License-Identifier: Apache-2.0
#include "deliver/handler_thread.h"

#include "base/signals.h"

namespace standpipe::deliver {

HandlerThread::HandlerThread() : shared_(std::make_shared<Shared>()) {}

HandlerThread::~HandlerThread() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->stop = true;
  }
  shared_->wake.notify_one();
  thread_.join();
}

void HandlerThread::post(std::function<void()> job) {
  if (!thread_.joinable()) thread_ = start_without_signals([shared = shared_] { work(shared); });
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->job = std::move(job);
  }
  shared_->wake.notify_one();
}

void HandlerThread::detach() {
  if (thread_.joinable()) thread_.detach();
}

void HandlerThread::work(const std::shared_ptr<Shared>& shared) {
  std::unique_lock lock(shared->mutex);
  for (;;) {
    shared->wake.wait(lock, [&] { return shared->job || shared->stop; });
    if (!shared->job) return;
    const auto job = std::move(shared->job);
    shared->job = nullptr;
    lock.unlock();
    job();
    lock.lock();
  }
}

}  // namespace standpipe::deliver
