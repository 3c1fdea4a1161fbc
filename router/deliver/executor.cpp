// SPDX-License-Identifier: Apache-2.0
#include "deliver/executor.h"

#include <algorithm>

namespace standpipe::deliver {

// Whoever makes calls in the worker's own process does not live to say it.
const Death& Executor::death() const {
  static const Death none;
  return none;
}

bool InlineExecutor::start(const CallRequest& request) {
  call_.enter_on_loop(request.batch);
  caller_.make(request);
  call_.leave_on_loop();
  return true;
}

bool ThreadExecutor::start(const CallRequest& request) {
  request_ = request;
  thread_.post([this] {
    caller_.make(request_);
    has_come_back_ = true;
    completed_();
  });
  return false;
}

void RejectingExecutor::run(const CallRequest& request) {
  flight_.enter(Phase::handle);
  if (request.kind == CallKind::handle) {
    const auto count = request.batch->count();
    std::fill_n(flight_.outcomes, count, std::uint8_t{STANDPIPE_REJECT});
    flight_.result.at = count;
    flight_.code = STANDPIPE_OK;
  }
  flight_.note_return();
}

}  // namespace standpipe::deliver
