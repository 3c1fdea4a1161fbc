// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>

#include "base/fd.h"

namespace standpipe {

// The hub's data_dir, for one hub alone: held as long as the descriptor of DATA_DIR/lock, or a copy of it in any process, is open
// (flock). So a worker's death does not free it while the keeper has a copy, and nothing has to be cleaned up after a power
// failure. The lock file stays when the hub ends: removing it would part those who have it open from those who come later. It holds
// a process id, for people only: nobody decides by it.
class DataFolder {
 public:
  // Makes the folder (0700) and those above it. `pid`: whom people should look for. Throws Failure, also when another hub has it.
  explicit DataFolder(std::string path, pid_t pid = ::getpid());
  // Goes on with the lock of a predecessor. Throws Failure when that is not this folder's lock.
  DataFolder(std::string path, Fd lock);

  const std::string& path() const { return path_; }
  int lock_fd() const { return lock_.get(); }  // close-on-exec; a copy of it holds the lock too

 private:
  void take();

  std::string path_;
  Fd lock_;
};

}  // namespace standpipe
