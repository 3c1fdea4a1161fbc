// SPDX-License-Identifier: Apache-2.0
#include "config/options.h"

#include <algorithm>

#include "base/text.h"
#include "config/names.h"
#include "config/secret.h"
#include "plugin/path_template.h"

namespace standpipe::config {
namespace {

constexpr std::string_view kFileSuffix = "_file";

std::string secret_file_key(const plugin::Option& option) {
  return option.name + std::string(kFileSuffix);
}

std::vector<std::string> keys_of(const plugin::Plugin& plugin, Role role) {
  std::vector<std::string> keys;
  for (const auto& option : plugin.options) {
    if (!has_option(role, option)) continue;
    keys.push_back(option.name);
    if (option.type == STANDPIPE_SECRET) keys.push_back(secret_file_key(option));
  }
  return keys;
}

// Keys that people write among the options, and that stand beside them.
std::vector<Synonym> keys_beside(Role role) {
  std::vector<std::string> keys{"isolation", "timeout", "memory_max", "user", "sha256", "retry"};
  if (role == Role::source)
    keys.insert(keys.end(), {"log", "ack", "rate_limit", "match_max"});
  else
    keys.insert(keys.end(), {"queue", "dead_letter", "allow_loop"});
  std::vector<Synonym> synonyms;
  for (const auto& key : keys)
    synonyms.push_back({key, key + ": ...  beside 'options', not in it"});
  return synonyms;
}

std::optional<plugin::Value> read_list(Context& context, const Field& field,
                                       const plugin::Option& option) {
  if (field.value->kind != Kind::list) {
    wrong_type(context, field, "a list", "write  " + field.name + ": [a, b]");
    return std::nullopt;
  }
  plugin::Value value{.type = option.type, .is_set = true};
  for (const auto& item : items_of(context, field, {}))
    if (auto text = text_of(context, item))
      value.items.emplace_back(std::string(), std::move(*text));
  return value;
}

std::optional<plugin::Value> read_map(Context& context, const Field& field,
                                      const plugin::Option& option) {
  plugin::Value value{.type = option.type, .is_set = true};
  const auto reader = Reader::of_names(context, *field.value,
                                       {"'" + field.name + "'", field.name + ": { KEY: TEXT }", {}},
                                       Reader::Notes::kept);
  for (const auto& entry : reader.fields())
    if (auto text = text_of(context, entry)) value.items.emplace_back(entry.name, std::move(*text));
  return value;
}

std::optional<plugin::Value> read_value(Context& context, const Field& field,
                                        const plugin::Option& option) {
  if (option.type == STANDPIPE_LIST) return read_list(context, field, option);
  if (option.type == STANDPIPE_MAP) return read_map(context, field, option);
  if (is_mode(option) && !mode_of(context, field)) return std::nullopt;
  return value_of(context, field, option);
}

std::optional<plugin::Value> read_secret(Context& context, const Field* inline_text,
                                         const Field* file, const plugin::Option& option) {
  if (inline_text && file) {
    context.error(file->key, "duplicate-key", "'" + option.name + "' is given twice",
                  "keep '" + file->name + "' and remove '" + option.name + "'");
    return std::nullopt;
  }
  if (inline_text) return value_of(context, *inline_text, option);
  if (!file) return std::nullopt;
  auto text = read_secret_file(context, *file);
  if (!text) return std::nullopt;
  return plugin::Value{.type = option.type, .is_set = true, .text = std::move(*text)};
}

std::string how_to_give(const plugin::Option& option, bool has_options) {
  const auto example = !option.example.empty() ? option.example : "a " + plugin::type_text(option);
  const auto entry = option.type == STANDPIPE_SECRET ? secret_file_key(option) + ": PATH"
                                                     : option.name + ": " + example;
  return has_options ? "add  " + entry : "add  options: { " + entry + " }";
}

// As in amqp://USER:PASSWORD@HOST, where only a part of the value is secret.
bool has_password(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == url.npos) return false;
  const auto authority = url.substr(scheme + 3, url.find('/', scheme + 3) - (scheme + 3));
  const auto user = authority.substr(0, std::min(authority.rfind('@'), authority.size()));
  return user.size() < authority.size() && user.find(':') != user.npos;
}

// Hides what is secret in the lines that other mistakes show.
void hide_secrets(Context& context, const Field& given, const plugin::Plugin& plugin) {
  for (const auto& entry : given.value->entries) {
    for (const auto& option : plugin.options)
      if (option.type == STANDPIPE_SECRET && entry.key->text == option.name)
        context.mistakes.hide(entry.value->spot);
    if (has_password(entry.value->text)) context.mistakes.hide(entry.value->spot);
    for (const auto* item : entry.value->items)
      if (has_password(item->text)) context.mistakes.hide(item->spot);
  }
}

OwnFile own_file(const Field& field, const plugin::Option& option, const std::string& path,
                 const std::string& handler, bool rotates) {
  OwnFile file{field.value->spot, path, handler, rotates};
  if (!option.is_template) return file;
  if (auto fixed = plugin::fixed_path(path))
    file.path = std::move(*fixed);
  else
    file.pattern = plugin::pattern_of(path);
  return file;
}

}  // namespace

std::string_view name_of(Role role) { return role == Role::source ? "source" : "handler"; }

bool has_option(Role role, const plugin::Option& option) {
  return role == Role::source ? option.of_source : option.of_handler;
}

bool is_mode(const plugin::Option& option) {
  return option.type == STANDPIPE_STRING && option.name == "mode" && parse_mode(option.fallback);
}

std::vector<plugin::Value> read_options(Context& context, const Field* given,
                                        const plugin::Plugin& plugin, const Field& part,
                                        Role role) {
  static const Node kNone{.kind = Kind::map, .spot = {}, .text = {}, .items = {}, .entries = {}};
  if (given && given->value->kind != Kind::map) {
    wrong_type(context, *given, "a map", "write  options: { KEY: VALUE }");
    return {};
  }
  if (given) hide_secrets(context, *given, plugin);
  const auto owner = given && !given->value->entries.empty() ? given->key : part.key;
  const Reader reader(context, given ? *given->value : kNone, owner,
                      {.what = std::string(name_of(role)) + " '" + shown(part.name) + "' (plugin " +
                               plugin.name + ")",
                       .example = "options: { KEY: VALUE }",
                       .keys = keys_of(plugin, role),
                       .noun = "option",
                       .synonyms = keys_beside(role)});
  const bool rotates = std::ranges::any_of(plugin.options, [&](const auto& option) {
    return option.rotates && reader.find(option.name);
  });
  std::vector<plugin::Value> values;
  for (const auto& option : plugin.options) {
    const auto* field = reader.find(option.name);
    const auto* file =
        option.type == STANDPIPE_SECRET ? reader.find(secret_file_key(option)) : nullptr;
    const bool is_needed = option.required && has_option(role, option);
    if (!field && !file && is_needed) reader.need(option.name, how_to_give(option, given));
    auto value = option.type == STANDPIPE_SECRET ? read_secret(context, field, file, option)
                 : field                         ? read_value(context, *field, option)
                                                 : std::nullopt;
    if (field) context.option_spots.emplace(std::pair(part.name, option.name), field->value->spot);
    if (value && field && option.is_own_file)
      context.own_files.push_back(own_file(*field, option, value->text, part.name, rotates));
    if (value && field && option.type == STANDPIPE_PATH)
      context.given_paths.push_back({field->value->spot, value->text, part.name});
    values.push_back(value ? std::move(*value)
                           : plugin::default_value(option, context.folder_of(part.key)));
  }
  return values;
}

}  // namespace standpipe::config
