// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace standpipe::keeper {

// Tells the service manager that started us (sd_notify's protocol: a datagram to $NOTIFY_SOCKET),
// when there is one. Returns what went wrong; empty: nothing, or nobody wants to know.
std::string notify_service_manager(std::string_view state);

}  // namespace standpipe::keeper
