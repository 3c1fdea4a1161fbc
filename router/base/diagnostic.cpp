// SPDX-License-Identifier: Apache-2.0
#include "base/diagnostic.h"

#include <algorithm>

#include "base/text.h"

namespace standpipe {
namespace {

constexpr std::size_t kShownCharacters =
    100;  // of a source line; more wraps on a terminal and tears the caret off

struct Excerpt {
  std::string before, marked, after;
};

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

// Byte offset of the n-th character (0-based).
std::size_t offset_of(std::string_view s, std::size_t n) {
  std::size_t i = 0;
  while (i < s.size() && n > 0) {
    ++i;
    while (i < s.size() && continues(s[i])) ++i;
    --n;
  }
  return i;
}

// A tab is shown as one space, and what would rewrite the screen as '?', so that the caret stands
// where it should.
std::string shown(std::string_view s) {
  std::string out;
  for (const char c : s)
    out += c == '\t' ? ' ' : (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) ? '?' : c;
  for (std::size_t bad = 0; const auto at = first_bad_utf8(std::string_view(out).substr(bad));) {
    bad += *at;
    out[bad] = '?';
  }
  return out;
}

Excerpt cut(const Location& place) {
  const auto line = shown(place.text);
  const std::size_t column = std::max<std::size_t>(place.column, 1) - 1;
  const std::size_t from = column > kShownCharacters / 2 ? column - kShownCharacters / 2 : 0;
  const auto begin = offset_of(line, from);
  const auto mark = offset_of(line, column);
  const auto mark_end =
      mark + offset_of(std::string_view(line).substr(mark), std::max<std::size_t>(place.width, 1));
  const auto end = begin + offset_of(std::string_view(line).substr(begin), kShownCharacters);
  Excerpt e;
  e.before = (from ? "..." : "") + line.substr(begin, mark - begin);
  e.marked = line.substr(mark, std::min(mark_end, std::max(end, mark)) - mark);
  const auto rest = std::min(std::max(end, mark_end), line.size());
  e.after = mark_end < rest ? line.substr(mark_end, rest - mark_end) : "";
  if (rest < line.size()) e.after += "...";
  return e;
}

constexpr std::size_t kOthersShown = 12;

std::string position(const Location& place) {
  return place.file + ':' + std::to_string(place.line) + ':' + std::to_string(place.column);
}

std::string others_text(const std::vector<Location>& others) {
  std::string out;
  for (std::size_t i = 0; i < std::min(others.size(), kOthersShown); ++i)
    out += (i ? ", " : "the same at ") + position(others[i]);
  if (others.size() > kOthersShown)
    out += " and " + counted(others.size() - kOthersShown, "more place");
  return out;
}

std::string place_json(const Location& place) {
  return "\"file\":" + json_string(place.file) + ",\"line\":" + std::to_string(place.line) +
         ",\"column\":" + std::to_string(place.column) +
         ",\"width\":" + std::to_string(place.width);
}

const char* word(Severity s) {
  return s == Severity::error ? "error" : s == Severity::warning ? "warning" : "info";
}
const char* tint(Severity s) {
  return s == Severity::error ? "\x1b[1;31m" : s == Severity::warning ? "\x1b[1;33m" : "\x1b[1;36m";
}

}  // namespace

std::string render(const Diagnostic& d, bool colour) {
  const auto paint = [&](const char* code, const std::string& text) {
    return colour ? code + text + "\x1b[0m" : text;
  };
  std::string out = paint(tint(d.severity), std::string(word(d.severity)) + ":") + ' ' +
                    paint("\x1b[1m", d.message) + '\n';
  if (d.place) {
    const auto number = std::to_string(d.place->line);
    const std::string margin(number.size(), ' ');
    const auto e = cut(*d.place);
    const std::string carets(std::max<std::size_t>(display_width(e.marked), 1), '^');
    out += margin + "--> " + position(*d.place) + '\n';
    out += margin + " |\n";
    out += number + " | " + e.before + e.marked + e.after + '\n';
    out += margin + " | " + std::string(display_width(e.before), ' ') +
           paint(tint(d.severity), carets + (d.label.empty() ? "" : " " + d.label)) + '\n';
  } else if (!d.label.empty()) {
    out += "  note: " + d.label + '\n';
  }
  if (!d.others.empty()) out += "  note: " + others_text(d.others) + '\n';
  for (const auto& n : d.notes) out += "  note: " + n + '\n';
  for (const auto& h : d.help) out += "  help: " + h + '\n';
  return out;
}

std::string render_json(const Diagnostic& d) {
  const auto list = [](const std::vector<std::string>& texts) {
    std::string out = "[";
    for (const auto& t : texts) out += (out.size() > 1 ? "," : "") + json_string(t);
    return out + "]";
  };
  std::string out = "{\"severity\":" + json_string(word(d.severity)) +
                    ",\"code\":" + json_string(d.code) + ",\"message\":" + json_string(d.message);
  if (d.place) out += "," + place_json(*d.place);
  if (!d.label.empty()) out += ",\"label\":" + json_string(d.label);
  if (!d.others.empty()) {
    std::string others;
    for (const auto& other : d.others)
      others += (others.empty() ? "{" : ",{") + place_json(other) + '}';
    out += ",\"others\":[" + others + ']';
  }
  return out + ",\"notes\":" + list(d.notes) + ",\"help\":" + list(d.help) + "}\n";
}

}  // namespace standpipe
