// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"
#include "deliver/call.h"
#include "deliver/waiting.h"

namespace standpipe::deliver {

// What comes before a plugin that has taken messages is closed for good: it is asked to flush, and
// has until shortly before the deadline to settle them.
class LastFlush {
 public:
  enum class Step {
    flush,  // the plugin is to be asked
    wait,   // it was, and has time left
    close,  // its time is over
  };
  // What is to be done now that it is to be closed by then. To be asked again until that is done:
  // the call of flush may have to wait for its turn.
  Step next(Nanoseconds now, Nanoseconds close_by, Waiting& waiting) {
    if (!was_called_) {
      close_at_ = now + (close_by - now) / 4 * 3;
      return Step::flush;
    }
    if (now >= close_at_) return Step::close;
    waiting.wake_by(close_at_);
    return Step::wait;
  }
  // A call that is not about messages. If it was another one, its instance may be another one, too.
  void came_back(CallKind kind) { was_called_ = kind == CallKind::flush; }

 private:
  bool was_called_ = false;
  Nanoseconds close_at_{0};
};

}  // namespace standpipe::deliver
