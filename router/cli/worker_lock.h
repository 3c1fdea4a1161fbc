// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/fd.h"
#include "cli/interruption.h"

namespace standpipe::cli {

// Lets several readers share one FIFO: the holder takes one whole frame. It is a lock on an empty
// file PATH.lock beside the FIFO, because the FIFO's own lock is the writers': a writer that waits
// for room and a reader that waits for the lock would wait for each other. Whoever may read the
// FIFO may take it. The file stays, as the FIFO does: removing it would separate those who have it
// open from those who come later.
class WorkerLock {
 public:
  // Throws Failure when the file cannot be had.
  WorkerLock(const std::string& fifo_path, int fifo_fd);

  Waited lock(Interruption& interruption, Deadline deadline);
  void give_back();
  bool held() const { return held_; }

 private:
  Fd fd_;
  bool held_ = false;
};

}  // namespace standpipe::cli
