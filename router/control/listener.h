// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "base/fd.h"
#include "base/file_id.h"

namespace standpipe::control {

// A socket that listens at a path, where only its user (and root) can connect: its file has mode
// 0600 from the moment it exists.
//
// One live listener a path. A file that a dead hub left behind is replaced, that of a live one
// never; which it is, is found by connecting, under a lock on the folder, so that two hubs that
// start together cannot both take the file for a dead one's. The destructor removes the file,
// unless it is not ours any more.
class Listener {
 public:
  // nullopt: somebody listens there. Makes the folder, 0700, when only that is missing. Throws
  // Failure.
  static std::optional<Listener> at(const std::string& path);
  // What a process before this one listened with, and left to us with its file. Throws Failure when
  // it is nothing of the kind.
  explicit Listener(Fd inherited);
  Listener(Listener&& other) noexcept;
  Listener& operator=(Listener&& other) noexcept;
  ~Listener();

  int fd() const { return fd_.get(); }
  const std::string& path() const { return path_; }
  // Another process continues to listen: the file stays.
  void leave_file() { leaves_file_ = true; }
  // false: it is gone, or another one stands there, so nobody finds this one.
  bool has_its_file() const;

 private:
  Listener(Fd fd, std::string path);

  Fd fd_;
  std::string path_;
  std::optional<FileId> file_;  // the socket's file
  bool leaves_file_ = false;    // it is not to be removed
};

}  // namespace standpipe::control
