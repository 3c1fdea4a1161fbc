// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace common {

// A library has refused an address with that errno: what a plugin makes of it. What a program that
// has the port, or a network that is not there yet, may mend by itself is tried again; the rest is
// wrong in the configuration.
//
// `what` says which call failed and why; `option` is the one that has the address.
[[noreturn]] void throw_refused_address(int error, const std::string& what,
                                        std::string_view option);

}  // namespace common
