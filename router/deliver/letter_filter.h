// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deliver/account.h"
#include "deliver/dead_letters.h"

namespace standpipe::deliver {

// How people name a letter: "d-" and 13 letters and digits, made of what identifies it (its run,
// source, sequence and handler). So it stays the same whatever becomes of the file that it is in.
std::string letter_id(const DeadLetter& letter);

// Which dead letters are meant: those that fit each kind of condition that there is. Without any it
// is all of them.
struct LetterFilter {
  std::vector<std::string> ids;  // or how they begin
  std::vector<std::string> sources, handlers;
  std::vector<Reason> reasons;
  std::uint64_t since_ns = 0;           // dead-lettered then or later, since 1970
  std::uint64_t until_ns = UINT64_MAX;  // or earlier

  bool has(const DeadLetter& letter) const;
  // As words of a request at the control socket, and back; nullopt: it is none.
  std::string text() const;
  static std::optional<LetterFilter> parse(std::string_view text);
};

// The reasons for which messages are kept, as they are written; nullopt: it is none.
std::optional<Reason> dead_reason(std::string_view name);
std::vector<std::string> dead_reasons();

}  // namespace standpipe::deliver
