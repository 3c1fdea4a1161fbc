// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "config/hub_options.h"
#include "match/explain.h"
#include "rehearsal/stream.h"

namespace standpipe::cli {

// One message and what the routes of its source say to it, for people: a line a route, and the
// handlers that it reached below it.
std::string explanation_text(const config::HubOptions& hub, std::size_t source,
                             const match::Explanation& explanation);
// For programs: one object, one line. `offset`: of its frame in the stream.
std::string explanation_json(const config::HubOptions& hub, std::size_t source,
                             const match::Explanation& explanation, std::uint64_t offset);

// What the framing made of a stream, which is not a message.
std::string fault_lines(const config::HubOptions& hub, std::size_t source,
                        const rehearsal::StreamFault& fault);
std::string fault_json(const config::HubOptions& hub, std::size_t source,
                       const rehearsal::StreamFault& fault);

}  // namespace standpipe::cli
