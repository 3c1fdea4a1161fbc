// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <string>

namespace standpipe::control {

// A path as the kernel's socket calls want it. Throws Failure when it does not fit: a socket's name
// is at most 107 bytes long.
class Address {
 public:
  explicit Address(const std::string& path);
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&name_); }
  socklen_t size() const { return sizeof name_; }

 private:
  sockaddr_un name_{};
};

// Who is at the other end, as the kernel noted it when the connection was made. nobody (-1) when it
// does not know.
uid_t peer_user(int fd);

}  // namespace standpipe::control
