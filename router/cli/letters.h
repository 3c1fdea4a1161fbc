// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "cli/arguments.h"
#include "cli/show.h"
#include "cli/streams.h"
#include "deliver/dead_letters.h"
#include "deliver/letter_filter.h"

namespace standpipe::cli {

// What the commands for dead letters share. They read the files in data_dir, beside a running hub
// or without one. What changes them is done by the hub, if one runs, and else by the command, which
// then holds the lock of data_dir.

// Which letters (--handler, --source, --reason, --since, --until), and whose (--data-dir,
// --control), with those of the command's own.
std::vector<Option> letter_options(std::vector<Option> own);
Option letter_id_option();  // --id: letters that are named
// Throws WrongUsage. `ids`: letters that are named, too.
deliver::LetterFilter letter_filter(const Arguments& arguments, std::vector<std::string> ids = {});
// "2h" (ago), "2026-01-31", "2026-01-31T14:05", "2026-01-31 14:05:09", and a Z at the end for UTC;
// ns since 1970. nullopt: it is no time.
std::optional<std::uint64_t> parse_time(const std::string& text, Nanoseconds now);

// Where the letters are: --data-dir, what the configuration says that is named as operand number
// `config_at`, or what the only hub that runs says. Throws Failure.
std::string letters_folder(const Arguments& arguments, Streams& streams, std::size_t config_at);

// Names of the routes by which its message goes to its handler, as the configuration says now.
std::vector<std::string> routes_of(const deliver::DeadLetter& letter,
                                   const std::string& configuration, Streams& streams);

std::string letter_time(std::uint64_t ns);  // for people, in local time
// One object: what is known of it. Its payload is "text" where it is UTF-8, or else "base64".
enum class WithPayload { no, as_it_is, base64 };
std::string letter_json(const deliver::DeadLetter& letter, WithPayload payload);
std::string_view payload_of(const deliver::DeadLetter& letter);
// Whose letters there are, so that a mistake in a filter can be told from an empty result.
class LetterNames {
 public:
  void add(const deliver::DeadLetter& letter);
  // "; none is of handler 'biling' (there are some of: billing)"; empty: all names are known.
  std::string unknown(const deliver::LetterFilter& filter) const;

 private:
  std::set<std::string, std::less<>> handlers_, sources_;
};

// That some of what was read is of a later version, or damaged. false: some is damaged.
bool report_unreadable(const deliver::DeadLetterReader& reader, Streams& streams);

}  // namespace standpipe::cli
