// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>

#include "deliver/call.h"
#include "deliver/culprit.h"
#include "deliver/handler_thread.h"
#include "deliver/plugin_caller.h"

namespace standpipe::deliver {

// What became of a call.
enum class Ending {
  none,      // nothing that was not told already
  answered,  // it has come back
  unmade,    // there was nothing to be called: that process had ended before
  died,      // the process in which it was made has ended, perhaps while it had nothing to do
};

// Makes a handler's calls where its plugin is placed. Nothing else depends on the placement. One
// call at a time.
//
// The call was recorded, and its request and the batch stay as they are until it has come back.
class Executor {
 public:
  virtual ~Executor() = default;
  // true: it has come back already. false: `completed` is called, from another thread.
  virtual bool start(const CallRequest& request) = 0;
  // Waits for it. For the call that makes the plugin's instance, before there is a loop.
  virtual void run(const CallRequest& request) = 0;
  // Of the last call that came back.
  virtual const plugin::Answer& answer() const = 0;
  // How the last call ended, or what else became of it, since this was last asked. none: nothing
  // new.
  virtual Ending take_ending() { return Ending::answered; }
  virtual const Death& death() const;  // if it died
  virtual void note_stopping() {}      // the hub stops
  // A call will not come back. The process must end without tearing anything down (std::_Exit).
  virtual void detach() {}
};

// On the loop's thread, which waits for each call.
class InlineExecutor final : public Executor {
 public:
  InlineExecutor(PluginCaller& caller, Call& call) : caller_(caller), call_(call) {}
  bool start(const CallRequest& request) override;
  void run(const CallRequest& request) override { caller_.make(request); }
  const plugin::Answer& answer() const override { return caller_.answer(); }

 private:
  PluginCaller& caller_;
  Call& call_;
};

// In a thread of the handler's own, which is started with the first call.
class ThreadExecutor final : public Executor {
 public:
  ThreadExecutor(PluginCaller& caller, std::function<void()> completed)
      : caller_(caller), completed_(std::move(completed)) {}
  bool start(const CallRequest& request) override;
  void run(const CallRequest& request) override { caller_.make(request); }
  const plugin::Answer& answer() const override { return caller_.answer(); }
  Ending take_ending() override {
    return has_come_back_.exchange(false) ? Ending::answered : Ending::none;
  }
  void detach() override { thread_.detach(); }

 private:
  PluginCaller& caller_;
  std::function<void()> completed_;
  CallRequest request_;  // here, so that a call allocates nothing
  std::atomic<bool> has_come_back_{false};
  HandlerThread thread_;
};

// In the place of the plugin of a handler that the configuration no longer has: it rejects all that
// it is given.
class RejectingExecutor final : public Executor {
 public:
  explicit RejectingExecutor(Flight& flight) : flight_(flight) {}
  bool start(const CallRequest& request) override {
    run(request);
    return true;
  }
  void run(const CallRequest& request) override;
  const plugin::Answer& answer() const override { return answer_; }

 private:
  Flight& flight_;
  plugin::Answer answer_;
};

}  // namespace standpipe::deliver
