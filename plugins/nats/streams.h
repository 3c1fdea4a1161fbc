// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "library.h"

namespace nats {

enum class Found { yes, no, unknown };

struct StreamOfSubject {
  Found found = Found::unknown;  // unknown: the user may not ask, or there was no answer
  std::string name = {};
  std::string why = {};  // it is unknown
};
// Asks JetStream which stream takes this subject. Throws standpipe::fatal if there is no JetStream.
StreamOfSubject find_stream(jsCtx* context, const std::string& subject);

// What a person must do where JetStream is not there; empty: the error says something else.
std::string jetstream_fault(natsStatus status, int code);

}  // namespace nats
