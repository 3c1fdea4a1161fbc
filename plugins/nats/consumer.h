// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "connection.h"
#include "library.h"
#include "settings.h"

namespace nats {

// The durable consumer as the server has it.
struct Consumer {
  std::string stream;
  std::string next_subject;  // where messages are asked for
  std::chrono::nanoseconds ack_wait{};
  std::int64_t created = 0;  // nanoseconds since 1970
};
// Looks for it, and creates it if that is allowed. Throws standpipe::fatal if it cannot be used as
// it is, since then messages would be lost or belong to somebody else.
Consumer find_consumer(const Connection& connection, jsCtx* context,
                       const ConsumerSettings& settings, const std::string& domain);

}  // namespace nats
