// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "deliver/call.h"
#include "deliver/call_page.h"
#include "deliver/executor.h"
#include "deliver/handler_needs.h"
#include "deliver/options.h"
#include "deliver/plugin_caller.h"
#include "deliver/plugin_host.h"

namespace standpipe::deliver {

// Where a handler's plugin is called: on the loop, in a thread or in a child of its own; or, where
// the configuration no longer has the handler, nowhere, and what it is given is rejected. It owns
// what that takes.
class PluginPlace {
 public:
  // What is made there, and what wakes a poll; neither: the plugin makes nothing, or is no source.
  struct Makes {
    MadeRegion* region = nullptr;
    int wake_fd = -1;
  };
  // `completed`: a call has come back, from any thread. Finds the page of a child that an earlier
  // worker had, and with it the call that was in progress. All must outlive it. Throws Failure.
  PluginPlace(const HandlerOptions& options, std::size_t id, const HandlerNeeds& needs,
              PluginHost& host, Call& call, const Makes& makes, std::function<void()> completed);

  Executor& executor() const { return *executor_; }
  // Calls are made in a child now, or an earlier worker's were.
  bool has_page() const { return page_ != nullptr; }
  // The plugin's instance is there, or its child makes it.
  void note_made() { is_made_ = true; }
  bool is_made() const { return is_made_; }

 private:
  std::unique_ptr<Executor> make_executor(const HandlerNeeds& needs, PluginHost& host, Call& call,
                                          const Makes& makes, std::function<void()> completed);

  const HandlerOptions& options_;
  std::unique_ptr<SharedCallPage> page_;  // of calls in a child; nullptr: none were or are
  PluginCaller caller_;
  bool is_made_ = false;
  std::unique_ptr<Executor> executor_;  // last: a thread of its ends before what it uses
};

}  // namespace standpipe::deliver
