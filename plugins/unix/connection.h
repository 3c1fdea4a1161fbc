// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "allow_list.h"
#include "common/fd.h"
#include "settings.h"

namespace unix_socket {

// A connection, whoever made it, and who is at its other end.
struct Connection {
  common::Fd fd;
  Credentials who;
};

// Connects to a server. Throws standpipe::disconnected if nobody serves the path now, and
// standpipe::fatal where a person must act: also if the server is not one of those allowed.
Connection connect_to_server(standpipe::Host host, const Settings& settings);

}  // namespace unix_socket
