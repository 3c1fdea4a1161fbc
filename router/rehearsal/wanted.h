// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/test_options.h"
#include "match/json.h"

namespace standpipe::rehearsal {

// How a payload differs from what was wanted, in words; each is one line that is safe on a
// terminal.
struct Difference {
  std::string wanted, got;
  std::string where;  // "from byte 12 on"; may be empty
};

// The first thing in which it differs; nothing: it is what was wanted.
std::optional<Difference> difference(const config::PayloadWanted& wanted, std::string_view payload,
                                     match::Json& json);

// A payload as one line; a long one is cut around `at`.
std::string shown_payload(std::string_view payload, std::size_t at = 0);

}  // namespace standpipe::rehearsal
