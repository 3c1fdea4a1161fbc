// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>

#include "base/clock.h"
#include "deliver/handler_needs.h"
#include "worker/event_loop.h"
#include "worker/handler_queue.h"

namespace standpipe::worker {

// Decides which calls of plugins may begin.
//
// A message that may have killed its worker is tried with no other call in progress, so that the
// next death is certain to be its doing. Who wants that waits for the calls in progress, and
// meanwhile no other call begins. At most one handler waits so; others that want the same wait as
// all do, and ask again when `release` has unblocked them.
//
//   calls == 1 whenever a call is alone
class CallGate final : public deliver::Admission {
 public:
  // While calls are in progress, a timer is due this often: somebody checks whether one hangs.
  static constexpr Nanoseconds kSampleEach = std::chrono::seconds(5);

  CallGate(EventLoop& loop, HandlerQueue& queue) : loop_(loop), queue_(queue) {}

  bool admit(deliver::HandlerLoop& handler, bool alone) override;
  void release() override;
  // That handler has advanced; `waits`: it was not admitted. One that no longer waits (it had its
  // turn, or was held, or closed) keeps nobody waiting.
  void after_advance(const deliver::HandlerLoop& handler, bool waits);
  // The timer was due; `in_progress`: there are calls still.
  void after_sample(bool in_progress);

 private:
  void sample_soon();

  EventLoop& loop_;
  HandlerQueue& queue_;
  std::size_t calls_ = 0;  // in progress
  bool alone_ = false;     // and it is to be the only one
  const deliver::HandlerLoop* wants_alone_ = nullptr;
  bool samples_ = false;
};

}  // namespace standpipe::worker
