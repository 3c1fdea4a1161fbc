// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/limits.h"
#include "base/text.h"
#include "cli/arguments.h"
#include "cli/status.h"

namespace standpipe::cli {

// --max-message-size, of send and recv.
inline std::uint64_t message_size_limit(const Arguments& arguments) {
  const auto limit = arguments.size("max-message-size").value_or(kMessageSizeMaxDefault);
  if (limit == 0 || limit > kMessageSizeMaxMost)
    throw WrongUsage("--max-message-size must be from 1B to " + size_text(kMessageSizeMaxMost),
                     "e.g. --max-message-size 64MiB");
  return limit;
}

}  // namespace standpipe::cli
