// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace standpipe::control {

// Where control sockets are when nobody names a path: a hub listens at the first of them, a command asks at each in turn.
//   $XDG_RUNTIME_DIR/standpipe/control   a user's session
//   /run/standpipe/control               root, and a service that was given that folder
//   /tmp/standpipe-UID/control           what is left
std::vector<std::string> default_paths();
std::vector<std::string> default_paths(std::string_view runtime_dir, uid_t user, bool run_is_writable);

// Makes the folder of a default path, 0700, or sees that the one that is there is safe: ours or root's, and nobody else may write
// to it. (Others may look into it: FIFOs for them can be there, and the socket's own mode keeps them out.) Throws Failure.
void make_private_folder(const std::string& folder);

std::string folder_of(const std::string& path);

}  // namespace standpipe::control
