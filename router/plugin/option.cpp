// SPDX-License-Identifier: Apache-2.0
#include "plugin/option.h"

#include <algorithm>
#include <filesystem>

#include "base/text.h"
#include "plugin/path_template.h"

namespace standpipe::plugin {
namespace {

Parsed wrong(std::string problem, std::string label) {
  return {{}, std::move(problem), std::move(label)};
}

bool looks_like_number(std::string_view text) { return parse_float(text).has_value(); }

// What a number of any kind is compared by; texts have no order.
std::optional<double> magnitude(const Option& option, std::string_view text) {
  switch (option.type) {
    case STANDPIPE_INTEGER:
      if (const auto n = parse_integer(text)) return static_cast<double>(*n);
      return std::nullopt;
    case STANDPIPE_FLOAT:
      return parse_float(text);
    case STANDPIPE_DURATION:
      if (const auto d = parse_duration(text)) return static_cast<double>(d->count());
      return std::nullopt;
    case STANDPIPE_SIZE:
      if (const auto n = parse_size(text)) return static_cast<double>(*n);
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

std::string with_unit(const Option& option, const std::string& text) {
  return option.unit.empty() ? text : text + ' ' + option.unit;
}

std::string range_text(const Option& option) {
  if (option.minimum.empty()) return "at most " + with_unit(option, option.maximum);
  if (option.maximum.empty()) return "at least " + with_unit(option, option.minimum);
  return "from " + option.minimum + " to " + with_unit(option, option.maximum);
}

bool in_range(const Option& option, std::string_view text) {
  const auto value = magnitude(option, text);
  const auto least = magnitude(option, option.minimum);
  const auto most = magnitude(option, option.maximum);
  return !value || ((!least || *value >= *least) && (!most || *value <= *most));
}

Parsed parse_integer_value(std::string_view text) {
  const auto n = parse_integer(text);
  if (!n) return wrong(quoted(text) + " is not a whole number", "write digits only");
  return {{.type = STANDPIPE_INTEGER, .is_set = true, .integer = *n}, {}, {}};
}

Parsed parse_float_value(std::string_view text) {
  const auto n = parse_float(text);
  if (!n)
    return wrong(quoted(text) + " is not a number", "write digits, and a point for fractions");
  return {{.type = STANDPIPE_FLOAT, .is_set = true, .real = *n}, {}, {}};
}

// Words that other YAML programs, or those of older versions, take for one.
std::string boolean_remedy(std::string_view text) {
  std::string word(text);
  for (auto& c : word)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  for (const auto* yes : {"yes", "on", "y", "true", "1"})
    if (word == yes) return "write true";
  for (const auto* no : {"no", "off", "n", "false", "0"})
    if (word == no) return "write false";
  return "write true or false";
}

Parsed parse_boolean_value(std::string_view text) {
  const auto b = parse_boolean(text);
  if (!b) return wrong(quoted(text) + " is neither true nor false", boolean_remedy(text));
  return {{.type = STANDPIPE_BOOLEAN, .is_set = true, .integer = *b}, {}, {}};
}

Parsed parse_duration_value(std::string_view text) {
  const auto d = parse_duration(text);
  if (!d && looks_like_number(text))
    return wrong(quoted(text) + " has no unit",
                 "write " + std::string(text) + "s, " + std::string(text) + "ms, ...");
  if (!d) return wrong(quoted(text) + " is not a duration", "write 500ms, 10s, 5m, 2h, 1d");
  return {{.type = STANDPIPE_DURATION, .is_set = true, .integer = d->count()}, {}, {}};
}

Parsed parse_size_value(std::string_view text) {
  const auto n = parse_size(text);
  if (!n && looks_like_number(text))
    return wrong(quoted(text) + " has no unit",
                 "write " + std::string(text) + "B, " + std::string(text) + "KiB, ...");
  if (!n) return wrong(quoted(text) + " is not a size", "write 512B, 64KiB, 16MiB, 1GiB");
  return {
      {.type = STANDPIPE_SIZE, .is_set = true, .integer = static_cast<std::int64_t>(*n)}, {}, {}};
}

Parsed parse_choice(const Option& option, std::string_view text) {
  const bool known =
      std::find(option.choices.begin(), option.choices.end(), text) != option.choices.end();
  if (known) return {{.type = STANDPIPE_ENUM, .is_set = true, .text = std::string(text)}, {}, {}};
  const auto near = nearest(text, option.choices);
  const auto choices = joined(option.choices, ", ");
  return wrong(
      quoted(text) + " is none of the choices for '" + option.name + '\'',
      near ? "did you mean '" + *near + "'? (choices: " + choices + ')' : "choices: " + choices);
}

// "/dev/fd/3", "/proc/self/fd/3", "/proc/1234/fd/3".
bool is_descriptor(const std::filesystem::path& path) {
  const auto numbered = [](const std::filesystem::path& name) {
    return parse_integer(name.string()).has_value();
  };
  const auto fd = path.parent_path();
  if (!numbered(path.filename()) || fd.filename() != "fd") return false;
  const auto process = fd.parent_path();
  return fd == "/dev/fd" || (process.parent_path() == "/proc" &&
                             (process.filename() == "self" || numbered(process.filename())));
}

Parsed parse_path(const Option& option, std::string_view text, std::string_view folder) {
  if (text.empty()) return wrong("an empty path", "name a file");
  if (text.find('\0') != std::string_view::npos)
    return wrong("a path with a NUL byte in it", "no file can have that name");
  const auto whole =
      (std::filesystem::path(folder) / std::filesystem::path(text)).lexically_normal();
  if (is_descriptor(whole))
    return wrong(
        quoted(text) +
            " is a descriptor of the process that opens it, and the hub has none of the shell's",
        "name the file or FIFO itself");
  if (option.is_template)
    return {
        {.type = STANDPIPE_PATH, .is_set = true, .text = absolute_template(text, folder)}, {}, {}};
  return {{.type = STANDPIPE_PATH, .is_set = true, .text = whole.string()}, {}, {}};
}

Parsed parse_by_type(const Option& option, std::string_view text, std::string_view folder) {
  switch (option.type) {
    case STANDPIPE_INTEGER:
      return parse_integer_value(text);
    case STANDPIPE_FLOAT:
      return parse_float_value(text);
    case STANDPIPE_BOOLEAN:
      return parse_boolean_value(text);
    case STANDPIPE_DURATION:
      return parse_duration_value(text);
    case STANDPIPE_SIZE:
      return parse_size_value(text);
    case STANDPIPE_ENUM:
      return parse_choice(option, text);
    case STANDPIPE_PATH:
      return parse_path(option, text, folder);
    default:
      return {{.type = option.type, .is_set = true, .text = std::string(text)}, {}, {}};
  }
}

}  // namespace

std::string_view type_name(std::uint32_t type) {
  constexpr std::string_view kNames[] = {"?",        "string", "integer", "float", "boolean",
                                         "duration", "size",   "enum",    "path",  "url",
                                         "secret",   "list",   "map"};
  return type < std::size(kNames) ? kNames[type] : kNames[0];
}

std::string type_text(const Option& option) {
  if (option.type == STANDPIPE_ENUM) return "one of " + joined(option.choices, ", ");
  if (option.type == STANDPIPE_LIST) return "list of strings";
  if (option.type == STANDPIPE_MAP) return "map of strings";
  return std::string(type_name(option.type));
}

Parsed parse_value(const Option& option, std::string_view text, std::string_view folder) {
  auto parsed = parse_by_type(option, text, folder);
  if (!parsed.problem.empty() || in_range(option, text)) return parsed;
  return wrong("'" + option.name + "' is out of range", "must be " + range_text(option));
}

// A default that its own plugin declares wrongly is found when the plugin is loaded.
Value default_value(const Option& option, std::string_view folder) {
  if (option.required || option.fallback.empty()) return {.type = option.type};
  return parse_value(option, option.fallback, folder).value;
}

}  // namespace standpipe::plugin
