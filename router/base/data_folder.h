// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/fd.h"

namespace standpipe {

// The hub's data_dir, for one hub alone. The lock (flock) is on the folder itself and lasts as long
// as its descriptor, or a copy of it in any process, is open. So a worker's death does not release
// it while the keeper has a copy, nothing needs cleaning after a power failure, and a cleaner of
// the folder cannot remove the lock. DATA_DIR/lock holds a process id for people only; nothing is
// decided by what it says. It stays when the hub ends, and is written again when somebody removes
// it. Where folders cannot be locked, that file is locked instead, and must be one.
class DataFolder {
 public:
  // Makes the folder (0700) and those above it. `pid` is the process that people should look for.
  // Throws Failure, also when another hub has the folder.
  explicit DataFolder(std::string path, pid_t pid = ::getpid());
  // The hub that has the folder now (0: which one is unknown), as /proc/locks and DATA_DIR/lock
  // show it, without touching its lock; nullopt: none that is seen.
  static std::optional<pid_t> holder_of(const std::string& path);
  // Takes over a predecessor's lock. Throws Failure when that is not this folder's lock.
  DataFolder(std::string path, Fd lock);

  const std::string& path() const { return path_; }
  int lock_fd() const { return lock_.get(); }  // close-on-exec; a copy of it holds the lock too
  // false: the path leads to another folder by now, or to nothing.
  bool is_at_its_path() const;
  // Writes DATA_DIR/lock again when it is gone.
  void restore_file() const;

 private:
  void lock_folder();
  Fd open_file() const;
  void write_holder(const Fd& file) const;

  std::string path_;
  pid_t pid_ = 0;
  Fd lock_;
};

}  // namespace standpipe
