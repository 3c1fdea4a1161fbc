// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace standpipe::deliver {

// A thread that does one thing at a time for one handler. Started with the first job.
//
// A plugin may never return from a call. `detach` then leaves the thread running with all that it
// holds; the process must end without tearing anything down (std::_Exit), because the thread may
// still use logs and its plugin.
class HandlerThread {
 public:
  HandlerThread();
  ~HandlerThread();  // waits for the job at hand, unless detached
  HandlerThread(const HandlerThread&) = delete;
  HandlerThread& operator=(const HandlerThread&) = delete;

  // The one before must have said that it is done.
  void post(std::function<void()> job);
  void detach();

 private:
  struct Shared {
    std::mutex mutex;
    std::condition_variable wake;
    std::function<void()> job;
    bool stop = false;
  };
  static void work(const std::shared_ptr<Shared>& shared);

  std::shared_ptr<Shared> shared_;
  std::thread thread_;
};

}  // namespace standpipe::deliver
