// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/diagnostic.h"

namespace standpipe {

// How a running hub's messages are written to standard error.
//   text      2024-05-01T12:00:00.250+02:00 warning: ...
//             local time with its zone; notes and help on lines of their own
//   json      {"time":"...","severity":"warning",...}
//             an object a line, as `check --json` prints it, with the time
//   journal   <4>warning: ...
//             a level before each line, as sd-daemon(3) defines it; the journal adds the time
//   plain     warning: ...
//             for commands, whose messages go to whoever typed them
enum class LogFormat : std::uint8_t { plain, text, json, journal };

std::optional<LogFormat> parse_log_format(std::string_view name);  // text, json, journal
const char* log_format_name(LogFormat format);
// journal when $JOURNAL_STREAM names what this descriptor leads to (systemd sets it, and children
// inherit it with other streams), else text.
LogFormat default_log_format(int fd);

// One entry, with its newline.
std::string log_entry(const Diagnostic& d, LogFormat format, bool colour, Nanoseconds wall);
// What is not a diagnostic (the account at the end), as an entry of level info: lines for people,
// and for programs the first of them with an object under the name.
std::string log_lines(std::string_view text, std::string_view name, std::string_view object,
                      LogFormat format, Nanoseconds wall);

}  // namespace standpipe
