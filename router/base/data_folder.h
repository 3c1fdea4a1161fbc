// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>

#include "base/fd.h"

namespace standpipe {

// The hub's data_dir, for one hub alone: held as long as the folder's descriptor that was locked (flock), or a copy of it in any
// process, is open. So a worker's death does not free it while the keeper has a copy, nothing has to be cleaned up after a power
// failure, and whoever cleans the folder cannot take the lock away: it is on the folder itself. DATA_DIR/lock holds a process id,
// for people only: nobody decides by it. It stays when the hub ends, and is written again when it is removed. Only where folders
// cannot be locked that file is locked instead.
class DataFolder {
 public:
  // Makes the folder (0700) and those above it. `pid`: whom people should look for. Throws Failure, also when another hub has it.
  explicit DataFolder(std::string path, pid_t pid = ::getpid());
  // Goes on with the lock of a predecessor. Throws Failure when that is not this folder's lock.
  DataFolder(std::string path, Fd lock);

  const std::string& path() const { return path_; }
  int lock_fd() const { return lock_.get(); }  // close-on-exec; a copy of it holds the lock too
  // false: the path leads to another folder by now, or to nothing.
  bool is_at_its_path() const;
  // Writes DATA_DIR/lock again when it is gone.
  void restore_file() const;

 private:
  void take();
  Fd open_file() const;
  void write_holder(const Fd& file) const;

  std::string path_;
  pid_t pid_ = 0;
  Fd lock_;
};

}  // namespace standpipe
