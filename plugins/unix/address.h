// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <string>

#include "common/fd.h"
#include "settings.h"

namespace unix_socket {

// The address of a path, or of an abstract name ("@name").
class Address {
 public:
  // Throws standpipe::fatal if the path is too long for an address, or empty.
  explicit Address(const std::string& path);
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address_); }
  socklen_t size() const { return size_; }

 private:
  sockaddr_un address_{};
  socklen_t size_ = 0;
};

// A connection has buffers of its own: an accepted one does not have those of the server's socket.
void set_buffers(int fd, const Endpoint& endpoint);

// A socket of that type which never blocks. Throws standpipe::disconnected.
common::Fd make_socket(const Endpoint& endpoint);

}  // namespace unix_socket
