// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/reporter.h"
#include "deliver/culprit.h"
#include "deliver/handler_loop.h"
#include "deliver/handler_needs.h"
#include "worker/call_gate.h"
#include "worker/event_loop.h"
#include "worker/handler_queue.h"
#include "worker/output_table.h"

namespace standpipe::worker {

// All handlers, by their numbers, and what lets each of them advance: it is ready, its
// timer is due, an output or a call that it waited for has moved on, or its call has come back
// from a thread.
class HandlerTable final : public deliver::CompletionQueue {
 public:
  // `outputs` are those that the handlers' plugins open.
  HandlerTable(EventLoop& loop, HandlerQueue& queue, OutputTable& outputs, const Clock& clock,
               Reporter& reporter);

  void add(std::unique_ptr<deliver::HandlerLoop> handler);
  // Makes all plugins' instances. Throws WrongConfiguration after each that cannot be made was
  // told.
  void create();
  // Settles the calls that were in progress when an earlier worker died.
  void recover(const deliver::Death& death);

  std::size_t size() const { return handlers_.size(); }
  deliver::HandlerLoop& operator[](std::size_t handler) { return *handlers_[handler]; }
  const deliver::HandlerLoop& operator[](std::size_t handler) const { return *handlers_[handler]; }
  const std::vector<std::unique_ptr<deliver::HandlerLoop>>& all() const { return handlers_; }
  CallGate& gate() { return gate_; }

  // The configuration stays: from now on an output ends when its handler asks for it no more, and
  // no other one has it. What its reader has not taken yet goes where the handler sends now, before
  // anything newer does.
  void note_outputs_for_good();
  // What no handler has, because it has departed (then its reader may take what it was sent for so
  // long) or because an earlier worker was killed before it ended what its handler had left.
  void end_outputs_of_nobody(Nanoseconds drain_timeout);
  // Those that have ended are closed, once each handler has said what it sends to.
  void close_ended_outputs();

  // ---- advancing
  void wake(std::size_t handler) { queue_.add(handler); }
  // What some handlers wait for may have moved on.
  void unblock() { queue_.unblock(); }
  bool has_work() const { return !queue_.empty(); }
  std::vector<std::size_t>& ready() { return queue_.round(); }
  void advance(std::size_t handler);
  void push(deliver::HandlerLoop& handler) override;  // any thread
  // Those whose calls have come back since this was last asked: each is to be completed.
  const std::vector<deliver::HandlerLoop*>& take_completed();
  void complete(deliver::HandlerLoop& handler);
  // Says of calls in progress that they have not come back for long.
  void sample_calls();

  // ---- all of them
  bool all_tried() const;
  // `left`: those that are not waited for.
  using Left = std::vector<const deliver::HandlerLoop*>;
  bool all_drained(const Left& left = {}) const;
  bool all_closed(const Left& left = {}) const;
  bool any_held() const;
  std::vector<std::string> not_ready() const;
  void note_stopping();
  void want_reopen();
  void want_close(Nanoseconds deadline);
  // Calls that are still in progress will not come back: the hub ends without them.
  void detach_calls();
  bool has_detached() const { return has_detached_; }  // there were any

 private:
  void note_outputs_of(std::size_t handler);
  bool is_of_nobody(const deliver::Output& output) const;
  bool have_all_opened() const;
  void after_advance(std::size_t handler);

  EventLoop& loop_;
  HandlerQueue& queue_;
  OutputTable& outputs_;
  const Clock& clock_;
  Reporter& reporter_;
  CallGate gate_{loop_, queue_};
  bool has_detached_ = false;
  bool configuration_stays_ = false;  // `note_outputs_for_good`

  // Before the handlers, whose destructors wait for the threads that come to these.
  std::mutex mutex_;
  std::vector<deliver::HandlerLoop*> completed_;  // guarded by mutex_
  std::vector<deliver::HandlerLoop*> taken_;
  std::map<const deliver::HandlerLoop*, std::size_t> number_of_;
  std::vector<std::unique_ptr<deliver::HandlerLoop>> handlers_;
};

}  // namespace standpipe::worker
