// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/fd.h"
#include "deliver/call_limit.h"
#include "deliver/call_page.h"
#include "deliver/child_process.h"
#include "deliver/child_setup.h"
#include "deliver/child_wire.h"
#include "deliver/culprit.h"
#include "deliver/executor.h"
#include "deliver/handler_needs.h"
#include "deliver/options.h"
#include "deliver/plugin_host.h"

namespace standpipe::deliver {

// Makes a handler's calls in a child of the worker, so that a crash, an exit or a hang of its
// plugin ends that child and nothing else.
//
// The loop writes a call into the page and tells the child. A thread does the rest: it starts the
// child (with the first call that needs one), serves what the plugin asks for, ends a call of
// handle that takes longer than the handler's timeout, and reports that a call has come back or
// that the child has died. After a death the next call of `open` starts another child, which makes
// the plugin's instance first.
//
//   no child --create, open--> child: idle <--> in a call
//      ^------------------------ death ------------------'
//
// Nothing that a child says is trusted: nonsense ends it.
class ProcessExecutor final : public Executor {
 public:
  // `page`: where the calls are. `made_fd`, `wake_fd`: of a MadeRegion, and of what ends a poll;
  // -1: there are none. All must outlive it.
  ProcessExecutor(const HandlerOptions& options, std::size_t id, const HandlerNeeds& needs,
                  PluginHost& host, SharedCallPage& page, std::function<void()> completed,
                  int made_fd = -1, int wake_fd = -1);
  ~ProcessExecutor() override;
  ProcessExecutor(const ProcessExecutor&) = delete;
  ProcessExecutor& operator=(const ProcessExecutor&) = delete;

  bool start(const CallRequest& request) override;
  void run(const CallRequest& request) override;
  const plugin::Answer& answer() const override { return answer_; }
  Ending take_ending() override;
  const Death& death() const override { return death_; }
  void note_stopping() override { page_->stopping = 1; }
  void detach() override;

 private:
  // To destroy the plugin's instance, at the end.
  static constexpr Nanoseconds kEndMost = std::chrono::seconds(2);
  // A child that closed its sockets ends within this.
  static constexpr Nanoseconds kDieMost = std::chrono::seconds(1);
  // How many packets of a child are taken before it is looked whether a call hangs or came back.
  static constexpr int kPacketsATurn = 64;

  // ---- the loop
  void begin(const CallRequest& request);
  void give() const;
  // ---- the thread
  void serve();
  // What of the child is to be looked at.
  struct Ready {
    bool calls = false, services = false, has_ended = false;
  };
  Ready wait();
  void start_child();
  void tend_child(const Ready& ready);
  Heard hear(const Ready& ready);
  Heard hear_calls();
  Heard hear_services(int most);
  Heard serve_one(const ServiceRequest& request);
  void come_back();
  void end_child();
  void bury(Death death);
  void bury_as_it_ended();
  void fail_to_start(const std::string& why);
  ChildSetup setup() const;
  CallKind kind_of_call();
  std::unique_ptr<ChildProcess> take_child();
  // ---- with the mutex
  int patience_ms();
  void wake() const;

  const HandlerOptions& options_;
  std::size_t id_;
  const HandlerNeeds& needs_;
  PluginHost& host_;
  SharedCallPage& page_;
  std::function<void()> completed_;
  int made_fd_, wake_fd_;  // borrowed
  Fd wake_;                // an eventfd, for the thread

  std::mutex mutex_;
  std::condition_variable ended_;
  // All below is guarded by mutex_, but for the child itself, which is the thread's.
  std::unique_ptr<ChildProcess> child_;
  bool wants_child_ = false, stops_ = false;
  bool is_made_ = false;  // the child has its plugin's instance
  CallLimit limit_;       // of the call in progress
  Ending ending_ = Ending::none;
  Death death_;
  plugin::Answer answer_;

  std::thread thread_;  // started with the first call
};

}  // namespace standpipe::deliver
