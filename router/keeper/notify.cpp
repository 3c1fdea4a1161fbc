// SPDX-License-Identifier: Apache-2.0
#include "keeper/notify.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "base/fd.h"

namespace standpipe::keeper {

std::string notify_service_manager(std::string_view state) {
  const char* wanted = std::getenv("NOTIFY_SOCKET");
  if (!wanted || !*wanted) return {};
  const std::string path = wanted;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path[0] != '/' && path[0] != '@')
    return "NOTIFY_SOCKET=" + path + " is neither a path nor an abstract name (@...)";
  if (path.size() >= sizeof address.sun_path)
    return "NOTIFY_SOCKET=" + path + " is too long for a socket's name";
  std::memcpy(address.sun_path, path.data(), path.size());
  if (path[0] == '@') address.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() +
                                           (path[0] == '@' ? 0 : 1));
  const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  // One that does not read must not stop the hub.
  const timeval most{1, 0};
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most);
  const auto* to = reinterpret_cast<const sockaddr*>(&address);
  if (socket && ::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL, to, size) ==
                    static_cast<ssize_t>(state.size()))
    return {};
  return "cannot tell NOTIFY_SOCKET=" + path + ": " + std::strerror(errno);
}

}  // namespace standpipe::keeper
