// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace standpipe {

enum class Severity { error, warning, info };

// A place in a text file: 1-based line and column, in characters; `width` characters are meant (at
// least 1).
struct Location {
  std::string file;
  std::size_t line = 1;
  std::size_t column = 1;
  std::size_t width = 1;
  std::string text;  // the whole line, UTF-8, without its end
};

// Everything the program has to say to a person about something that is wrong: what, where, why,
// and what to do. One type for configuration and run time, so that both read alike; renderers
// below.
struct Diagnostic {
  Severity severity = Severity::error;
  std::string code;     // stable, for programs: "unknown-key", "bad-frame"
  std::string message;  // one line
  std::optional<Location> place = {};
  std::string label = {};             // beside the caret: "did you mean 'billing'?"
  std::vector<Location> others = {};  // where the same is wrong, too
  std::vector<std::string> notes = {};
  std::vector<std::string> help = {};
};

// error: unknown handler 'biling'
//   --> orders.yaml:19:9
//    |
// 19 |     to: biling
//    |         ^^^^^^ did you mean 'billing'?
//   note: the same at orders.yaml:24:9, orders.yaml:31:9
//   note: ...
//   help: ...
// Lines longer than a terminal are cut around the caret. Ends with a newline.
std::string render(const Diagnostic& d, bool colour);
std::string render_json(const Diagnostic& d);  // one object, one line, with newline

}  // namespace standpipe
