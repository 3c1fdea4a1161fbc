// SPDX-License-Identifier: Apache-2.0
#include "config/syntax.h"

#include <algorithm>
#include <iterator>

#include "base/limits.h"
#include "base/text.h"

namespace standpipe::config {
namespace {

// yaml-cpp keeps the whole line in pieces while it may still be a key: 4 MiB of '[' in one line
// take a gigabyte.
constexpr std::size_t kLineBytesMax = 64 * KiB;

struct Plain {
  std::string_view complaint;  // how yaml-cpp's begins
  const char* message;
  const char* label;
};

constexpr Plain kPlain[] = {
    {"illegal map key", "a key where none can be", "is the line indented like those above it?"},
    {"illegal block entry", "a list item where none can be",
     "begin the list on a line of its own, or write [a, b]"},
    {"illegal flow end", "a closing bracket that nothing opened", "remove it, or quote the text"},
    {"end of sequence flow not found", "a '[' without its ']'",
     "the list that begins here is never closed, or lacks a comma"},
    {"end of map flow not found", "a '{' without its '}'",
     "the map that begins here is never closed, or lacks a comma"},
    {"unknown token", "a value cannot begin with this character", "put the value in quotes"},
    {"the referenced anchor is not defined", "an alias of nothing",
     "no anchor of this name stands above (quote a text that begins with *)"},
    {"alias not found", "a '*' without a name", "quote a text that begins with *"},
    {"anchor not found", "a '&' without a name", "quote a text that begins with &"},
    {"unknown escape character", "a backslash that means nothing",
     "write \\\\ for a backslash, or use single quotes"},
    {"bad character found while scanning hex", "an escape that is not in hexadecimal",
     "write \\x41, \\u6f22, or use single quotes"},
    {"invalid unicode", "an escape that is not a character",
     "use single quotes if a backslash is meant"},
    {"cannot assign multiple", "two anchors or tags for one value", "leave one out"},
    {"aliases can't have any content", "an alias with something after it", "an alias stands alone"},
    {"unexpected character in block scalar", "text after the sign of a block",
     "begin the text on the next line, or put it in quotes"},
    {"illegal document indicator in scalar",
     "the text in quotes is cut by a line of dots or dashes", "indent it, or close the quote"},
};

bool is_structural(std::string_view complaint) {
  constexpr std::string_view kStructural[] = {"illegal map value",         "illegal map key",
                                              "illegal block entry",       "end of map not found",
                                              "end of sequence not found", "illegal tab"};
  return std::any_of(std::begin(kStructural), std::end(kStructural),
                     [&](auto s) { return complaint.starts_with(s); });
}

// The first tab in a line's indentation.
std::optional<Spot> tab_in(const Document& document, std::uint32_t line) {
  const auto text = document.line(line);
  const auto indented = std::min(text.find_first_not_of(" \t"), text.size());
  const auto tab = text.substr(0, indented).find('\t');
  if (tab == std::string_view::npos || indented == text.size()) return std::nullopt;
  return Spot{line, static_cast<std::uint32_t>(tab), 1};
}

std::optional<Complaint> blame_tab(const Document& document, const Spot& noticed,
                                   const Spot& last) {
  auto tab = tab_in(document, noticed.line);
  for (auto line = std::max(last.line, 1u); !tab && line < noticed.line; ++line)
    tab = tab_in(document, line);
  if (!tab) return std::nullopt;
  return Complaint{*tab,
                   {.code = "tab",
                    .message = "a tab in the indentation",
                    .label = "YAML is indented by spaces only"}};
}

// What stands at a place, up to the next space or bracket.
Spot whole_word(const Document& document, Spot spot) {
  const auto line = document.line(spot.line);
  const auto rest = line.substr(std::min<std::size_t>(spot.byte, line.size()));
  if (rest.starts_with('*') || rest.starts_with('&'))
    spot.bytes = static_cast<std::uint32_t>(std::min(rest.find_first_of(" ,]}"), rest.size()));
  return spot;
}

bool begins_line(const Document& document, const Spot& spot) {
  return document.line(spot.line).substr(0, spot.byte).find_first_not_of(' ') ==
         std::string_view::npos;
}

// A colon that cannot be one: the value has a colon of its own, or the line is not where it should
// be.
Diagnostic explain_colon(const Document& document, const Spot& noticed) {
  const bool second =
      document.line(noticed.line).substr(0, noticed.byte).find(": ") != std::string_view::npos;
  return {.code = "syntax",
          .message = second ? "a second ':' in one line" : "a ':' where none can be",
          .label = second ? "put the value in quotes"
                          : "the line is indented wrongly, or the one above lacks its ':'"};
}

// A quoted text that spans lines and ends where the parser fails: its own closing quote was
// forgotten.
std::optional<Complaint> blame_quote(const Document& document, const Spot& noticed,
                                     const Spot& last) {
  const auto line = document.line(last.line);
  if (last.byte >= line.size() || (line[last.byte] != '"' && line[last.byte] != '\''))
    return std::nullopt;
  const auto end = quoted_end(document.text(), document.offset(last));
  if (!end) return std::nullopt;
  const auto closes = document.spot_at(*end).line;
  if (closes == last.line || closes != noticed.line) return std::nullopt;
  return Complaint{
      {last.line, last.byte, 1},
      {.code = "syntax",
       .message = "a quote that is closed too late",
       .label = "the text that begins here continues to line " + std::to_string(closes)}};
}

// ${VAR} or a placeholder, {source}, inside of { } or [ ]: their own braces count as YAML's.
std::optional<Complaint> blame_braces(const Document& document, const Spot& last) {
  const auto rest = document.line(last.line).substr(
      std::min<std::size_t>(last.byte, document.line(last.line).size()));
  const bool meets_brace = last.bytes > 0 && last.bytes < rest.size() && rest[last.bytes] == '{';
  if (!meets_brace || std::string_view(" ,:[{").find(rest[last.bytes - 1]) != rest.npos)
    return std::nullopt;
  const bool is_variable = rest[last.bytes - 1] == '$';
  return Complaint{{last.line, last.byte, last.bytes + 1},
                   {.code = "syntax",
                    .message = std::string(is_variable ? "a variable" : "a placeholder") +
                               " inside { } or [ ] without quotes",
                    .label = is_variable ? "put the whole value in quotes; for a number of JSON, "
                                           "write it on a line of its own instead"
                                         : "put the whole text in quotes"}};
}

// `-from: orders`, which is a key to YAML, and what stands below it is indented otherwise.
std::optional<Complaint> blame_dash(const Document& document, const Spot& noticed,
                                    const Spot& last) {
  for (auto line = std::max(last.line, 1u); line <= noticed.line; ++line) {
    const auto text = document.line(line);
    const auto at = text.find_first_not_of(' ');
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || c == '{'; };
    if (at != std::string_view::npos && text[at] == '-' && at + 1 < text.size() &&
        is_letter(text[at + 1]))
      return Complaint{{line, static_cast<std::uint32_t>(at), 1},
                       {.code = "syntax",
                        .message = "a '-' without a space after it",
                        .label = "an item of a list begins with '- '"}};
  }
  return std::nullopt;
}

Diagnostic explain_end(const Document& document, const Spot& noticed) {
  if (begins_line(document, noticed))
    return {.code = "syntax",
            .message = "the indentation fits no line above",
            .label = "indent it like the line it belongs with"};
  return {.code = "syntax",
          .message = "text after the value's end",
          .label = "put the whole value in quotes, or begin a new line"};
}

std::optional<std::size_t> first_control(std::string_view text) {
  const auto at = std::find_if(text.begin(), text.end(), [](char c) {
    const auto u = static_cast<unsigned char>(c);
    return (u < 0x20 && c != '\t' && c != '\n' && c != '\r') || u == 0x7f;
  });
  if (at == text.end()) return std::nullopt;
  return static_cast<std::size_t>(at - text.begin());
}

// yaml-cpp would take what follows for the same line, and place would name the wrong one.
std::optional<Complaint> find_lone_return(const Document& document) {
  const auto& text = document.text();
  for (std::size_t at = 0; (at = text.find('\r', at)) != std::string::npos; ++at)
    if (at + 1 == text.size() || text[at + 1] != '\n')
      return Complaint{document.spot_at(at),
                       {.code = "control-character",
                        .message = "a carriage return (0x0d) that ends no line",
                        .label = "here",
                        .help = {"save the file with the line ends of Unix or of Windows"}}};
  return std::nullopt;
}

std::optional<Complaint> find_long_line(const Document& document) {
  for (std::uint32_t n = 1; n <= document.lines(); ++n)
    if (const auto bytes = document.line(n).size(); bytes > kLineBytesMax)
      return Complaint{{n, 0, 1},
                       {.code = "line-too-long",
                        .message = "a line of " + thousands(bytes) + " bytes, more than " +
                                   size_text(kLineBytesMax),
                        .label = "break it into several"}};
  return std::nullopt;
}

}  // namespace

std::optional<std::size_t> quoted_end(std::string_view text, std::size_t open) {
  const char quote = text[open];
  for (auto i = open + 1; i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      if (quote == '"' || i + 1 == text.size() || text[i + 1] != quote) return i + 1;
      ++i;
    }
  }
  return std::nullopt;
}

std::optional<Complaint> find_bad_bytes(const Document& document) {
  const std::string_view text = document.text();
  const auto bad = first_bad_utf8(text);
  const auto control = first_control(text.substr(0, bad.value_or(text.size())));
  const auto name = [&](std::size_t at) {
    return hex_excerpt(std::as_bytes(std::span(text.substr(at, 1)))).substr(0, 2);
  };
  if (control)
    return Complaint{
        document.spot_at(*control),
        {.code = "control-character",
         .message = "a control character (0x" + name(*control) + ") in the file",
         .label = "remove it; in double quotes it is written \\x" + name(*control),
         .help = text[*control] == '\0'
                     ? std::vector<std::string>{"save the file as UTF-8, if it is UTF-16"}
                     : std::vector<std::string>{}}};
  if (bad)
    return Complaint{document.spot_at(*bad),
                     {.code = "not-utf8",
                      .message = "the file is not UTF-8",
                      .label = "the byte 0x" + name(*bad) + " begins no character",
                      .help = {"save it as UTF-8"}}};
  if (auto lone = find_lone_return(document)) return lone;
  return find_long_line(document);
}

Complaint explain_syntax(const Document& document, std::string_view complaint, const Spot& noticed,
                         const Spot& last, const std::optional<Spot>& open) {
  if (is_structural(complaint))
    if (auto tab = blame_tab(document, noticed, last)) return *tab;
  if (auto quote = blame_quote(document, noticed, last)) return *quote;
  if (auto variable = blame_braces(document, last)) return *variable;
  if (is_structural(complaint))
    if (auto dash = blame_dash(document, noticed, last)) return *dash;
  if (complaint.starts_with("illegal map value"))
    return {noticed, explain_colon(document, noticed)};
  if (complaint == "end of map not found" || complaint == "end of sequence not found")
    return {noticed, explain_end(document, noticed)};
  const bool never_closed = complaint.find("flow not found") != std::string_view::npos;
  for (const auto& plain : kPlain)
    if (complaint.starts_with(plain.complaint))
      return {never_closed ? open.value_or(noticed) : whole_word(document, noticed),
              {.code = "syntax", .message = plain.message, .label = plain.label}};
  return {noticed, {.code = "syntax", .message = "not YAML: " + escaped(complaint)}};
}

}  // namespace standpipe::config
