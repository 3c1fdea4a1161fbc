// SPDX-License-Identifier: Apache-2.0
#include "worker/control_watch.h"

#include <utility>

#include "base/failure.h"

namespace standpipe::worker {

void ControlWatch::restore_file() {
  if (!server_) return;
  try {
    if (!server_->listen_again()) return;
    link_.keep("control", server_->listener().fd());
    reporter_.info("the control socket " + server_->listener().path() +
                   " was removed; it is made again");
    lost_reported_ = false;
  } catch (const Failure& failure) {
    if (!std::exchange(lost_reported_, true))
      reporter_.warning("control", failure.what(), failure.help());
  }
}

}  // namespace standpipe::worker
