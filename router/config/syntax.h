// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>
#include <utility>

#include "base/diagnostic.h"
#include "config/document.h"

namespace standpipe::config {

using Complaint = std::pair<Spot, Diagnostic>;

// Behind the quote that closes the one at `open`; nullopt: it is never closed. yaml-cpp takes the
// file's end for it.
std::optional<std::size_t> quoted_end(std::string_view text, std::size_t open);

// Bytes that no configuration may have, found before YAML is looked at: not UTF-8, or control
// characters (yaml-cpp takes one of them for the end of the file and silently forgets the rest).
std::optional<Complaint> find_bad_bytes(const Document& document);

// Explains the parser's complaint in plain words, at the place where the mistake was made rather
// than where it was noticed. `last` is the last value that was understood; `open` is where the
// innermost list or map begins that is not closed.
Complaint explain_syntax(const Document& document, std::string_view complaint, const Spot& noticed,
                         const Spot& last, const std::optional<Spot>& open);

}  // namespace standpipe::config
