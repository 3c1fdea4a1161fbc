// SPDX-License-Identifier: Apache-2.0
#include "template.h"

#include <algorithm>
#include <array>
#include <standpipe/plugin.hpp>

namespace {

struct Placeholder {
  std::string_view name;
  Template::Part part;
};
constexpr std::array<Placeholder, 5> kPlaceholders = {{{"source", Template::Part::source},
                                                       {"sequence", Template::Part::sequence},
                                                       {"time", Template::Part::time},
                                                       {"size", Template::Part::size},
                                                       {"payload", Template::Part::payload}}};

std::string in_braces(std::string_view name) { return "{" + std::string(name) + "}"; }

[[noreturn]] void refuse_name(std::string_view name) {
  std::string known;
  for (const auto& p : kPlaceholders) known += (known.empty() ? "" : ", ") + in_braces(p.name);
  throw standpipe::fatal("template: unknown placeholder " + in_braces(name) + " (known: " + known + ")");
}

[[noreturn]] void refuse_brace(std::string_view brace, std::string_view what) {
  const std::string twice = std::string(brace) + std::string(brace);
  throw standpipe::fatal("template: a '" + std::string(brace) + "' " + std::string(what) + "; write " + twice +
                         " for a literal one");
}

}  // namespace

Template::Template(std::string_view text) {
  while (!text.empty()) {
    const auto brace = std::min(text.find_first_of("{}"), text.size());
    add_literal(text.substr(0, brace));
    text.remove_prefix(brace);
    if (text.empty()) break;
    if (text.starts_with("{{") || text.starts_with("}}")) {
      add_literal(text.substr(0, 1));
      text.remove_prefix(2);
    } else {
      text = take_placeholder(text);
    }
  }
  const bool ends_a_line = !pieces_.empty() && pieces_.back().text.ends_with('\n');
  if (!ends_a_line) add_literal("\n");
}

void Template::add_literal(std::string_view text) {
  if (text.empty()) return;
  if (pieces_.empty() || pieces_.back().part != Part::literal) pieces_.push_back({});
  pieces_.back().text += text;
}

std::string_view Template::take_placeholder(std::string_view rest) {
  if (rest.front() == '}') refuse_brace("}", "has no '{' before it");
  const auto end = rest.find('}');
  if (end == std::string_view::npos) refuse_brace("{", "is not closed");
  const auto name = rest.substr(1, end - 1);
  const auto known = std::find_if(kPlaceholders.begin(), kPlaceholders.end(), [&](const auto& p) { return p.name == name; });
  if (known == kPlaceholders.end()) refuse_name(name);
  pieces_.push_back({known->part, {}});
  return rest.substr(end + 1);
}
