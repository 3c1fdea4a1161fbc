// SPDX-License-Identifier: Apache-2.0
#include "plugin/path_template.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>

namespace standpipe::plugin {
namespace {

bool is_doubled(std::string_view text, std::size_t at) {
  return at + 1 < text.size() && text[at + 1] == text[at];
}

// Where the first single brace is, or the end.
std::size_t first_placeholder(std::string_view text) {
  std::size_t at = text.find_first_of("{}");
  while (at < text.size() && is_doubled(text, at)) at = text.find_first_of("{}", at + 2);
  return std::min(at, text.size());
}

std::string with_doubled_braces(std::string_view text) {
  std::string out;
  for (const char c : text) out.append(c == '{' || c == '}' ? 2 : 1, c);
  return out;
}

std::string normal(std::string_view path) {
  return std::filesystem::path(path).lexically_normal().string();
}

}  // namespace

std::string absolute_template(std::string_view text, std::string_view folder) {
  const auto whole = text.starts_with('/') ? std::string(text)
                                           : with_doubled_braces(folder) + '/' + std::string(text);
  const auto placeholder = first_placeholder(whole);
  if (placeholder == whole.size()) return normal(whole);
  const auto name = whole.rfind('/', placeholder) + 1;  // at least the first slash is before it
  return normal(whole.substr(0, name)) + whole.substr(name);
}

std::optional<std::string> fixed_path(std::string_view text) {
  if (first_placeholder(text) < text.size()) return std::nullopt;
  std::string path;
  for (std::size_t i = 0; i < text.size(); i += text[i] == '{' || text[i] == '}' ? 2 : 1)
    path += text[i];
  return path;
}

std::string pattern_of(std::string_view text) {
  std::string pattern;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '{' && !is_doubled(text, i)) {
      pattern += "?*";  // not empty
      i = std::min(text.find('}', i), text.size());
      continue;
    }
    if (c == '{' || c == '}') ++i;
    if (std::string_view("*?[\\").find(c) != std::string_view::npos) pattern += '\\';
    pattern += c;
  }
  return pattern;
}

}  // namespace standpipe::plugin
