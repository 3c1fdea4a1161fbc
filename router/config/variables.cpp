// SPDX-License-Identifier: Apache-2.0
#include "config/variables.h"

#include <algorithm>

#include "config/names.h"

namespace standpipe::config {
namespace {

bool is_name(std::string_view name) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return !name.empty() && is_letter(name[0]) && std::all_of(name.begin(), name.end(), [&](char c) {
    return is_letter(c) || (c >= '0' && c <= '9');
  });
}

Expanded wrong(std::string problem, std::string label, std::string_view where) {
  return {{}, std::move(problem), std::move(label), std::string(where)};
}

// What stands between the braces.
Expanded replace(std::string_view inside, std::string_view whole, const Lookup& lookup) {
  const auto colon = inside.find(':');
  const std::string name(inside.substr(0, colon));
  const auto operation =
      colon == std::string_view::npos ? std::string_view() : inside.substr(colon, 2);
  const auto word = colon == std::string_view::npos
                        ? std::string_view()
                        : inside.substr(std::min(colon + 2, inside.size()));
  if (!is_name(name) || (!operation.empty() && operation != ":-" && operation != ":?"))
    return wrong("'" + shown(whole) + "' is not a variable",
                 "write ${VAR}, ${VAR:-default}, ${VAR:?message}; the text ${ is $${", whole);
  if (word.find("${") != std::string_view::npos)
    return wrong("a variable inside another's default", "defaults are plain text", whole);
  const auto value = lookup(name);
  if (operation == ":-") return {value && !value->empty() ? *value : std::string(word)};
  if (operation == ":?" && (!value || value->empty()))
    return wrong(word.empty() ? "the variable " + name + " is not set" : name + ": " + shown(word),
                 "set it in the environment", whole);
  if (!value)
    return wrong("the variable " + name + " is not set",
                 "set it, or give a default: ${" + name + ":-default}", whole);
  return {*value};
}

}  // namespace

Expanded expand(std::string_view text, const Lookup& lookup, std::size_t bytes_max) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto dollar = std::min(text.find('$', at), text.size());
    out += text.substr(at, dollar - at);
    at = dollar;
    const auto rest = text.substr(at);
    if (rest.starts_with("$${")) {
      out += "${";
      at += 3;
    } else if (rest.starts_with("${")) {
      const auto end = rest.find('}');
      if (end == std::string_view::npos)
        return wrong("a variable without its closing brace", "write ${VAR}; the text ${ is $${",
                     rest.substr(0, 2));
      auto replaced = replace(rest.substr(2, end - 2), rest.substr(0, end + 1), lookup);
      if (!replaced.problem.empty()) return replaced;
      out += replaced.text;
      at += end + 1;
    } else if (!rest.empty()) {
      out += '$';
      ++at;
    }
    if (out.size() > bytes_max)
      return wrong("variables expand to too much text", "use shorter ones", {});
  }
  return {out};
}

}  // namespace standpipe::config
