// SPDX-License-Identifier: Apache-2.0
#include "deliver/handler_thread.h"

#include <pthread.h>

#include <csignal>

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
  if (!thread_.joinable()) {
    // The loop's thread takes the signals; a plugin's thread must not. Its own faults it has to hear of (culprit.h).
    sigset_t all, before;
    sigfillset(&all);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) sigdelset(&all, fault);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([shared = shared_] { work(shared); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->job = std::move(job);
  }
  shared_->wake.notify_one();
}

void HandlerThread::abandon() {
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
