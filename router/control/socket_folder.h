// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace standpipe::control {

// Where control sockets are when nobody names a path. A hub listens in the first folder that it may
// have, under the name of its configuration, so that several hubs of one user each have one; a
// command looks in all of them.
//   $RUNTIME_DIRECTORY           a service's own, from its manager: found where it is
//                                /run/standpipe or lies in one of these
//   $XDG_RUNTIME_DIR/standpipe   a user's session
//   /run/user/UID/standpipe      the same, for commands that lost the variable (cron; under sudo,
//                                the folder of who called sudo as well)
//   /run/standpipe               root, and a service that was given that folder or one inside it
//   /tmp/standpipe-UID           what is left
struct Environment {
  std::string service_dir = {};  // $RUNTIME_DIRECTORY, the first of it
  std::string runtime_dir = {};  // $XDG_RUNTIME_DIR
  uid_t user = 0;
  std::optional<uid_t> caller = {};  // of sudo
  bool run_is_writable = false;
  static Environment of_this_process();
};
std::string folder_to_listen_in(const Environment& around);
std::vector<std::string> folders_to_ask_in(const Environment& around);

// "control-NAME", cut so that a usual folder's path with it still fits a socket's name.
std::string socket_name(const std::string& name);
// The control sockets in a folder and in the folders in it, sorted; whether anybody listens is not
// known. At most kSocketsMost.
inline constexpr std::size_t kSocketsMost = 256;
std::vector<std::string> sockets_in(const std::string& folder);

// Makes the folder of a default path, 0700, or sees that the one that is there is safe: ours or
// root's, and nobody else may write to it. (Others may look into it: FIFOs for them can be there,
// and the socket's own mode keeps them out.) Throws Failure.
void make_private_folder(const std::string& folder);

std::string folder_of(const std::string& path);

}  // namespace standpipe::control
