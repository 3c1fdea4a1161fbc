// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "library.h"

namespace nats {

// What a source says of each message beside its headers.
inline constexpr std::string_view kSubject = "subject", kStream = "stream",
                                  kStreamSequence = "stream_sequence",
                                  kNumDelivered = "num_delivered";

// Is a message's own metadata of this name no header? Such are what a source of this plugin says of
// a message, and what tells the server something (Nats-Msg-Id, Nats-Rollup).
bool is_left_out(std::string_view name);
// Throws standpipe::reject if it cannot be one: headers have no line ends, and names no colon.
void add_header(natsMsg* message, const std::string& name, const std::string& value);
// Appends all headers, which are the message's until it is destroyed.
void read_headers(natsMsg* message, std::vector<standpipe::Pair>& into);

}  // namespace nats
