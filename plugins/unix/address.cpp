// SPDX-License-Identifier: Apache-2.0
#include "address.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "common/error_text.h"

namespace unix_socket {

namespace {

constexpr std::size_t kPathMax = sizeof(sockaddr_un::sun_path) - 1;  // 107: a NUL ends it

}  // namespace

Address::Address(const std::string& path) {
  if (path.empty() || path == "@")
    throw standpipe::fatal("path: it is empty; write the path of a socket, or @name");
  if (path.find('\0') != std::string::npos) throw standpipe::fatal("path: it has a NUL");
  if (path.size() > kPathMax)
    throw standpipe::fatal("path: '" + path + "' has " + std::to_string(path.size()) +
                           " bytes, and the path of a socket has at most " +
                           std::to_string(kPathMax) + "; choose a shorter one");
  address_.sun_family = AF_UNIX;
  std::ranges::copy(path, address_.sun_path);
  const bool is_abstract = path[0] == '@';
  if (is_abstract) address_.sun_path[0] = '\0';
  // The name of an abstract address is all of its bytes; a path has a NUL at its end.
  size_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + !is_abstract);
}

void set_buffers(int fd, const Endpoint& endpoint) {
  const int bytes = endpoint.send_buffer;
  if (bytes > 0) ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

common::Fd make_socket(const Endpoint& endpoint) {
  const int type = endpoint.is_packets ? SOCK_SEQPACKET : SOCK_STREAM;
  common::Fd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) throw standpipe::disconnected("cannot make a socket: " + common::error_text(errno));
  set_buffers(fd.get(), endpoint);
  return fd;
}

}  // namespace unix_socket
