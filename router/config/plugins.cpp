// SPDX-License-Identifier: Apache-2.0
#include "config/plugins.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "config/names.h"

namespace standpipe::config {
namespace {

bool is_path(const std::string& name) { return name.find('/') != std::string::npos; }

bool is_file(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error);
}

bool offers(const plugin::Plugin& plugin, Role role) {
  return role == Role::source ? plugin.is_source() : plugin.is_handler();
}

}  // namespace

Plugins::Plugins(Context& context, plugin::Registry& registry)
    : context_(context), registry_(registry), known_(registry.names()) {}

// `whole`: the name, or the absolute path.
const Plugins::Answer& Plugins::ask(const std::string& name, const std::string& whole,
                                    const std::string& sha256) {
  const auto [at, is_new] = answers_.try_emplace({whole, sha256});
  auto& answer = at->second;
  if (!is_new) return answer;
  if (is_path(name) && !is_file(whole) && registry_.loads())
    answer.refused = {"", "there is no plugin file " + shown(whole), ""};
  else if (!is_path(name) && !known_.empty() &&
           !std::binary_search(known_.begin(), known_.end(), name))
    answer.refused = {"", "unknown plugin '" + shown(name) + "'", registry_.searched()};
  else
    answer.plugin = registry_.find(whole, answer.refused, sha256);
  return answer;
}

const plugin::Plugin* Plugins::find(const Field& field, Role role, const std::string& sha256) {
  const auto name = text_of(context_, field, "a plugin's name");
  if (!name) return nullptr;
  if (name->empty() || name->find('\0') != std::string::npos) {
    context_.error(field.value->spot, "unknown-plugin", "'" + shown(*name) + "' is not a plugin",
                   suggest(*name));
    return nullptr;
  }
  const std::filesystem::path folder = context_.folder_of(field.value->spot);
  const auto& answer =
      ask(*name, is_path(*name) ? (folder / *name).lexically_normal().string() : *name, sha256);
  if (!answer.plugin) {
    complain(field, *name, answer);
  } else if (!offers(*answer.plugin, role)) {
    complain_of_role(field, *answer.plugin, role);
  } else {
    warn_of_another_name(field, *answer.plugin);
    return answer.plugin;
  }
  return nullptr;
}

// Not of a file that is pinned: it must not be loaded before it was looked at.
std::vector<Synonym> Plugins::options_of(const Node& part) {
  std::vector<Synonym> options;
  for (const auto& entry : part.entries)
    if (entry.key->text == "sha256") return options;
  for (const auto& entry : part.entries) {
    const auto& name = entry.value->text;
    if (entry.key->text != "plugin" || !std::binary_search(known_.begin(), known_.end(), name))
      continue;
    const auto* plugin = ask(name, name, {}).plugin;
    if (!plugin) continue;
    for (const auto& option : plugin->options)
      options.push_back({option.name, "options: { " + option.name + ": ... }"});
  }
  return options;
}

std::string Plugins::suggest(const std::string& name) {
  return suggestion(context_.mistakes, name, known_, "plugins");
}

void Plugins::complain(const Field& field, const std::string& name, const Answer& answer) {
  Diagnostic d{.code = "unknown-plugin", .message = answer.refused.reason};
  if (!answer.refused.path.empty()) {
    d.code = "refused-plugin";
    d.message = "plugin '" + shown(name) + "' cannot be used";
    d.notes.push_back(answer.refused.reason);
  } else {
    d.label = suggest(name);
  }
  if (!answer.refused.help.empty()) d.help.push_back(answer.refused.help);
  context_.mistakes.add(field.value->spot, std::move(d));
}

void Plugins::complain_of_role(const Field& field, const plugin::Plugin& plugin, Role role) {
  const bool wants_source = role == Role::source;
  Diagnostic d{
      .code = "wrong-plugin",
      .message = "plugin '" + plugin.name + "' offers no " + (wants_source ? "source" : "handler")};
  if (wants_source && plugin.is_handler()) d.label = "it is a handler: name it under 'handlers'";
  if (!wants_source && plugin.is_source()) d.label = "it is a source: name it under 'sources'";
  context_.mistakes.add(field.value->spot, std::move(d));
}

// A plugin is found by its file's name. If it calls itself otherwise, it is easily taken for
// another.
void Plugins::warn_of_another_name(const Field& field, const plugin::Plugin& plugin) {
  const auto file = std::filesystem::path(plugin.path).filename().string();
  if (!registry_.loads() || file == plugin.name + ".so") return;
  context_.mistakes.add(field.value->spot, {.severity = Severity::warning,
                                            .code = "misnamed-plugin",
                                            .message = "the plugin in " + shown(file) +
                                                       " calls itself '" + shown(plugin.name) + "'",
                                            .help = {"rename the file to " + shown(plugin.name) +
                                                     ".so, or change the plugin's d.name()"}});
}

}  // namespace standpipe::config
