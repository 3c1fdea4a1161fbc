// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>

#include "library.h"

namespace nats {

struct Dialled {
  natsStatus status = NATS_OK;
  std::string why;  // what the library says, where the status is not NATS_OK
  Owned<natsConnection> connection;
  bool is_cut = false;    // a handshake was ended here, since it had not ended within the limit
  bool is_stuck = false;  // a handshake did not end even so; its thread is left to itself
};

// Connects. The library reads a TLS handshake without a limit, and nothing that it offers ends one.
// So it connects in a thread of its own, and the socket that this thread waits for longer than
// `handshake_limit` is shut down: the kernel tells which one it is.
Dialled dial(Owned<natsOptions> options, std::chrono::milliseconds handshake_limit);

}  // namespace nats
