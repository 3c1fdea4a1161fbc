// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <standpipe/plugin.hpp>

#include "common/spool.h"

namespace common {

// A message as one JSON object on a line of its own:
//   {"source":"orders","sequence":7,"time":"2024-05-01T12:00:00.250Z","size":5,"text":"hello"}
// A payload that is not UTF-8 is "base64" instead of "text", so nothing is lost.
void append_json(Spool& out, const standpipe::Message& message);

}  // namespace common
