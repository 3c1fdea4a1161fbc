// SPDX-License-Identifier: Apache-2.0
#include "keeper/wire.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace standpipe::keeper {
namespace {

// Room for exactly one descriptor: CMSG_SPACE would have room for two.
struct Ancillary {
  alignas(cmsghdr) char bytes[CMSG_LEN(sizeof(int))] = {};
};

int descriptor_of(msghdr& message) {
  const auto* header = CMSG_FIRSTHDR(&message);
  if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) return -1;
  int fd = -1;
  if (header->cmsg_len >= CMSG_LEN(sizeof fd)) std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return fd;
}

}  // namespace

int send(int socket, std::string_view verb, std::string_view rest, int fd) {
  auto text = std::string(verb);
  if (!rest.empty()) text.append(" ").append(rest);
  iovec part{text.data(), std::min(text.size(), kMessageBytesMax)};
  Ancillary ancillary;
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (fd >= 0) {
    message.msg_control = ancillary.bytes;
    message.msg_controllen = sizeof ancillary.bytes;
    auto* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  }
  while (::sendmsg(socket, &message, MSG_NOSIGNAL) < 0)
    if (errno != EINTR) return errno;
  return 0;
}

bool holds_unread(int socket) {
  int bytes = 0;
  return ::ioctl(socket, SIOCOUTQ, &bytes) == 0 && bytes > 0;
}

Received receive(int socket, Message& out) {
  char text[kMessageBytesMax];
  iovec part{text, sizeof text};
  Ancillary ancillary;
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = ancillary.bytes;
  message.msg_controllen = sizeof ancillary.bytes;
  ssize_t n = 0;
  while ((n = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR) {
  }
  if (n < 0) return errno == EAGAIN ? Received::nothing : Received::end;
  if (n == 0) return Received::end;
  const std::string_view packet(text, static_cast<std::size_t>(n));
  const auto space = packet.find(' ');
  out.verb = packet.substr(0, space);
  out.rest = space == packet.npos ? "" : packet.substr(space + 1);
  out.fd = Fd(descriptor_of(message));
  return Received::message;
}

}  // namespace standpipe::keeper
