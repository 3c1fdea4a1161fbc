// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "config/keys.h"

namespace standpipe::config {

// Keys that handlers and source plugins have in common (config/instance.h reads them).
Key sha256_key();
Key isolation_key();
Key process_memory_max_key();
Key user_key();
Key timeout_key(std::string_view summary);
KeyMap backoff_keys(std::string_view path);

}  // namespace standpipe::config
