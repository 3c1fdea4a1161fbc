// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "allow_list.h"
#include "common/fd.h"
#include "connection.h"
#include "log_throttle.h"
#include "settings.h"

namespace unix_socket {

// A server's socket, and the file at its path.
//
// A file that a dead server left is removed, and only that: PATH.lock is locked as long as this
// lives, so of two hubs one serves, and a path where a connection is not refused belongs to a
// server that lives. Both files go when this goes; after a kill -9 they stay, and the next server
// finds nobody behind them.
class Listener {
 public:
  // Throws standpipe::disconnected while somebody else serves the path, and standpipe::fatal where
  // a person must act.
  Listener(standpipe::Host host, const Settings& settings);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();

  int fd() const { return socket_.get(); }
  // nullopt: nobody is waiting. Who is not allowed is refused, with a line in the log.
  std::optional<Connection> accept();

 private:
  void lock();
  void remove_stale() const;
  void bind();
  void set_owner();
  void cannot_accept(int error);

  standpipe::Host host_;
  Endpoint endpoint_;
  ListenOptions options_;
  AllowList allow_;
  common::Fd lock_, socket_;
  ino_t inode_ = 0;  // of the file at the path, as long as it is ours
  LogThrottle throttle_;
};

}  // namespace unix_socket
