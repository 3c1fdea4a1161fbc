// SPDX-License-Identifier: Apache-2.0
#include "plugin/description.h"

#include <algorithm>
#include <string_view>

#include "base/failure.h"
#include "base/text.h"

namespace standpipe::plugin {
namespace {

constexpr std::uint64_t kTextBytesMax =
    64 * 1024;  // more is no description; and a length of garbage is found by it
constexpr std::uint32_t kOptionsMax = 1000;
constexpr std::uint32_t kChoicesMax = 1000;

[[noreturn]] void broken(const std::string& what) {
  throw Failure(what, "ask the plugin's author");
}

std::string copied(const standpipe_string& s, const std::string& what) {
  if (s.size == 0) return {};
  if (!s.data || s.size > kTextBytesMax) broken(what + " is not a text");
  std::string text(s.data, s.size);
  if (!is_utf8(text)) broken(what + " is not UTF-8");
  return text;
}

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

std::string text_of(AbiVersion version) {
  return std::to_string(version.major) + '.' + std::to_string(version.minor);
}

void check_versions(const standpipe_plugin& abi, AbiVersion host) {
  if (!STANDPIPE_HAS(&abi, standpipe_plugin, abi_minor))
    broken("its description is shorter than any version's");
  if (abi.abi_major == host.major && abi.abi_minor <= host.minor) return;
  const bool is_old = abi.abi_major < host.major;
  throw Failure("it needs plugin ABI " + text_of({abi.abi_major, abi.abi_minor}) +
                    ", this router has " + text_of(host),
                is_old ? "build the plugin anew with this router's SDK" : "use a newer router");
}

void check_texts(const Option& option, const std::string& what) {
  for (const auto& [text, role] : {std::pair(option.fallback, "default"),
                                   {option.minimum, "minimum"},
                                   {option.maximum, "maximum"}}) {
    if (text.empty()) continue;
    const auto parsed = parse_value(option, text, "/");
    if (!parsed.problem.empty()) broken(what + ": its " + role + ": " + parsed.problem);
  }
}

Option read_option(const standpipe_option& abi) {
  if (!STANDPIPE_HAS(&abi, standpipe_option, choices))
    broken("an option is shorter than in any version");
  Option option{.type = abi.type, .required = abi.required != 0};
  const auto flags = STANDPIPE_HAS(&abi, standpipe_option, flags) ? abi.flags : 0;
  if (flags & (STANDPIPE_OPTION_OF_HANDLER | STANDPIPE_OPTION_OF_SOURCE)) {
    option.of_handler = flags & STANDPIPE_OPTION_OF_HANDLER;
    option.of_source = flags & STANDPIPE_OPTION_OF_SOURCE;
  }
  option.is_own_file = option.type == STANDPIPE_PATH && (flags & STANDPIPE_OPTION_OWN_FILE);
  option.rotates = flags & STANDPIPE_OPTION_ROTATES;
  option.is_template = option.type == STANDPIPE_PATH && (flags & STANDPIPE_OPTION_TEMPLATE);
  option.is_open_files = option.type == STANDPIPE_INTEGER && (flags & STANDPIPE_OPTION_OPEN_FILES);
  option.name = copied(abi.name, "an option's name");
  const auto what = "option '" + escaped(option.name) + '\'';
  if (!is_name(option.name)) broken(what + ": a name has lower-case letters, digits, _ and - only");
  if (abi.type < STANDPIPE_STRING || abi.type > STANDPIPE_MAP)
    broken(what + " has a type that does not exist");
  option.summary = copied(abi.summary, what + ": summary");
  option.fallback = copied(abi.fallback, what + ": default");
  option.minimum = copied(abi.minimum, what + ": minimum");
  option.maximum = copied(abi.maximum, what + ": maximum");
  option.unit = copied(abi.unit, what + ": unit");
  option.example = copied(abi.example, what + ": example");
  if (abi.choice_count > kChoicesMax || (abi.choice_count > 0 && !abi.choices))
    broken(what + ": its choices are no list");
  for (std::uint32_t i = 0; i < abi.choice_count; ++i)
    option.choices.push_back(copied(abi.choices[i], what + ": a choice"));
  if (option.type == STANDPIPE_ENUM && option.choices.empty()) broken(what + " has no choices");
  check_texts(option, what);
  return option;
}

std::vector<Option> read_options(const standpipe_plugin& abi) {
  if (abi.option_count > kOptionsMax ||
      (abi.option_count > 0 && (!abi.options || abi.option_stride < sizeof(std::uint32_t))))
    broken("its options are no list");
  std::vector<Option> options;
  for (std::uint32_t i = 0; i < abi.option_count; ++i) {
    const auto* at =
        reinterpret_cast<const std::byte*>(abi.options) + std::size_t{i} * abi.option_stride;
    auto option = read_option(*reinterpret_cast<const standpipe_option*>(at));
    if (std::any_of(options.begin(), options.end(),
                    [&](const auto& o) { return o.name == option.name; }))
      broken("option '" + option.name + "' is declared twice");
    options.push_back(std::move(option));
  }
  return options;
}

void check_handler(const standpipe_handler& handler) {
  if (!STANDPIPE_HAS(&handler, standpipe_handler, destroy))
    broken("its handler is shorter than in any version");
  if (!handler.create || !handler.handle || !handler.destroy)
    broken("its handler lacks create, handle or destroy");
}

void check_source(const standpipe_source& source) {
  if (!STANDPIPE_HAS(&source, standpipe_source, destroy))
    broken("its source is shorter than in any version");
  if (!source.create || !source.poll || !source.destroy)
    broken("its source lacks create, poll or destroy");
}

}  // namespace

Plugin read_description(const standpipe_plugin& abi, const std::string& path, AbiVersion host) try {
  check_versions(abi, host);
  if (!STANDPIPE_HAS(&abi, standpipe_plugin, handler))
    broken("its description is shorter than in any version");
  Plugin plugin;
  plugin.path = path;
  plugin.abi = &abi;
  plugin.name = copied(abi.name, "its name");
  if (!is_name(plugin.name))
    broken("its name '" + escaped(plugin.name) +
           "' has more than lower-case letters, digits, _ and -");
  plugin.version = copied(abi.version, "its version");
  plugin.summary = copied(abi.summary, "its summary");
  plugin.documentation = copied(abi.documentation, "its documentation");
  plugin.options = read_options(abi);
  if (abi.handler) check_handler(*abi.handler);
  if (plugin.is_source()) check_source(*abi.source);
  return plugin;
} catch (const Failure& failure) {
  throw failure.in(path);
}

}  // namespace standpipe::plugin
