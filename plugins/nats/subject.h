// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace nats {

// Why nothing can be published to this subject; empty: it can. A message may have chosen it, so it
// must not end the protocol's line, and not be one of the server's own.
std::string subject_fault(std::string_view subject, bool may_be_of_the_server);

}  // namespace nats
