// SPDX-License-Identifier: Apache-2.0
#include "control/address.h"

#include "base/failure.h"

namespace standpipe::control {

Address::Address(const std::string& path) {
  constexpr auto most = sizeof name_.sun_path - 1;
  if (path.empty())
    throw WrongConfiguration("the path of the control socket is empty", "name one: --control PATH");
  if (path.size() > most)
    throw WrongConfiguration("the path of a control socket has at most " + std::to_string(most) +
                                 " bytes, and this one has " + std::to_string(path.size()) + ": " +
                                 path,
                             "choose a shorter one: --control PATH");
  name_.sun_family = AF_UNIX;
  path.copy(name_.sun_path, most);
}

uid_t peer_user(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.uid
                                                                      : static_cast<uid_t>(-1);
}

}  // namespace standpipe::control
