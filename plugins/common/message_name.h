// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <standpipe/plugin.hpp>
#include <string>

namespace common {

// Names a message for good: SOURCE:SEQUENCE:TIME:RUN. It is the same at each attempt, whatever dies
// meanwhile, and no other message has it, so that a peer may drop what it has got under that name
// already. The run is there because sequences begin anew with each start of the hub, and what the
// run before had saved keeps the time at which it was accepted. Without a hub (in a test) there is
// no run.
std::string message_name(const standpipe::Message& message);

}  // namespace common
