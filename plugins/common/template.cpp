// SPDX-License-Identifier: Apache-2.0
#include "common/template.h"

#include <algorithm>
#include <array>
#include <standpipe/plugin.hpp>

namespace common {
namespace {

using Part = Template::Part;

struct Placeholder {
  std::string_view name;
  Part part;
  std::string_view written;  // for lists
};
constexpr std::array<Placeholder, 7> kPlaceholders = {{{"source", Part::source, "{source}"},
                                                       {"sequence", Part::sequence, "{sequence}"},
                                                       {"time", Part::time, "{time}"},
                                                       {"size", Part::size, "{size}"},
                                                       {"payload", Part::payload, "{payload}"},
                                                       {"json", Part::json, "{json:/POINTER}"},
                                                       {"meta", Part::meta, "{meta:NAME}"}}};

bool has(const std::vector<Part>& parts, Part part) {
  return std::find(parts.begin(), parts.end(), part) != parts.end();
}

std::string known_in(const Template::Place& place) {
  std::string known;
  for (const auto& p : kPlaceholders)
    if (has(place.allowed, p.part)) known.append(known.empty() ? "" : ", ").append(p.written);
  return known;
}

std::string in_braces(std::string_view inside) { return "{" + std::string(inside) + "}"; }

}  // namespace

Template::Template(std::string_view text, Place place) : place_(std::move(place)) {
  while (!text.empty()) {
    const auto brace = std::min(text.find_first_of("{}"), text.size());
    add_literal(text.substr(0, brace));
    text.remove_prefix(brace);
    if (text.empty()) break;
    if (text.starts_with("{{") || text.starts_with("}}")) {
      add_literal(text.substr(0, 1));
      text.remove_prefix(2);
    } else {
      text = parse_placeholder(text);
    }
  }
}

bool Template::has_placeholders() const {
  return std::any_of(pieces_.begin(), pieces_.end(),
                     [](const Piece& piece) { return piece.part != Part::literal; });
}

void Template::add_literal(std::string_view text) {
  if (text.empty()) return;
  if (pieces_.empty() || pieces_.back().part != Part::literal) pieces_.emplace_back();
  pieces_.back().text += text;
}

std::string_view Template::parse_placeholder(std::string_view rest) {
  if (rest.front() == '}') refuse("a '}' has no '{' before it; write }} for a literal one");
  const auto end = rest.find('}');
  if (end == std::string_view::npos) refuse("a '{' is not closed; write {{ for a literal one");
  pieces_.push_back(placeholder(rest.substr(1, end - 1)));
  return rest.substr(end + 1);
}

// "json:/device|unknown": the kind, what of it, and the default.
Template::Piece Template::placeholder(std::string_view inside) const {
  const auto bar = inside.find('|');
  const auto what = inside.substr(0, bar);
  const auto colon = std::min(what.find(':'), what.size());
  const auto kind = what.substr(0, colon);
  const auto known = std::find_if(kPlaceholders.begin(), kPlaceholders.end(),
                                  [&](const auto& p) { return p.name == kind; });
  if (known == kPlaceholders.end() || !has(place_.allowed, known->part))
    refuse((known == kPlaceholders.end() ? "unknown placeholder " : "there is no placeholder ") +
           in_braces(inside) + (known == kPlaceholders.end() ? "" : " here") +
           " (known: " + known_in(place_) + ")");
  Piece piece{.part = known->part, .text = in_braces(inside)};
  const bool has_argument = colon < what.size();
  const auto argument = has_argument ? what.substr(colon + 1) : std::string_view();
  const bool wants_argument = known->part == Part::json || known->part == Part::meta;
  if (wants_argument && argument.empty())
    refuse(piece.text + " does not say which; write " + std::string(known->written));
  if (!wants_argument && (has_argument || bar != inside.npos))
    refuse(piece.text + " is always there as it is; write " + std::string(known->written));
  if (bar != inside.npos) piece.fallback = inside.substr(bar + 1);
  if (known->part == Part::meta) piece.name = argument;
  if (known->part != Part::json) return piece;
  auto pointer = JsonPointer::parse(argument);
  if (!argument.starts_with('/'))
    refuse(piece.text + ": a JSON pointer begins with a slash; write {json:/" +
           std::string(inside.substr(colon + 1)) + "}");
  if (!pointer)
    refuse(piece.text +
           ": in a JSON pointer ~1 stands for a slash in a name and ~0 for a tilde; "
           "after a tilde comes nothing else");
  piece.pointer = std::move(*pointer);
  return piece;
}

void Template::refuse(const std::string& what) const {
  throw standpipe::fatal(std::string(place_.option) + ": " + what);
}

}  // namespace common
