// SPDX-License-Identifier: Apache-2.0
#include "config/loader.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/text.h"
#include "config/extent.h"
#include "config/handlers.h"
#include "config/memory.h"
#include "config/names.h"
#include "config/open_files.h"
#include "config/own_files.h"
#include "config/parse.h"
#include "config/paths.h"
#include "config/reader.h"
#include "config/routes.h"
#include "config/sources.h"
#include "config/trial.h"

namespace standpipe::config {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

std::optional<std::string> environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value ? std::optional<std::string>(value) : std::nullopt;
}

Diagnostic nothing_in(const std::string& file) {
  return {
      .code = "empty-file",
      .message = shown(file) + " has no configuration in it",
      .help = {"the smallest is:  sources: { in: { fifo: /tmp/in } }", "                  handlers: { screen: { plugin: print } }",
               "                  routes: [{ from: in, to: screen }]"}};
}

// Reads the whole of it, section by section, into a Hub.
class HubReader {
 public:
  HubReader(Context& context, Hub& hub, plugin::Registry& plugins, Reading how)
      : context_(context), hub_(hub), plugins_(plugins), how_(how) {}
  void read(const Node& root);

 private:
  void read_settings(const Reader& reader);
  void check_version(const Reader& reader);
  void read_sections(const Reader& reader);
  void warn_of_unused(const Sources& sources, const Handlers& handlers);
  void warn(const Spot& spot, std::string code, std::string message, std::string label);

  Context& context_;
  Hub& hub_;
  plugin::Registry& plugins_;
  Reading how_;
  Spot memory_said_;
};

void HubReader::read(const Node& root) {
  const Reader reader(context_, root, {},
                      {"the configuration",
                       "sources: { in: { fifo: /tmp/in } }",
                       {"version", "data_dir", "memory_max", "drain_timeout", "sources", "handlers", "routes", "unmatched"},
                       {{"tests", "call it x-tests to keep it"}}});
  if (!reader.is_map()) return;
  read_settings(reader);
  read_sections(reader);
}

void HubReader::read_settings(const Reader& reader) {
  check_version(reader);
  if (const auto memory = reader.size("memory_max", size_text(kMemoryMaxLeast), size_text(kMemoryMaxMost))) {
    hub_.memory_max = *memory;
    memory_said_ = reader.find("memory_max")->value->spot;
  }
  hub_.drain_timeout = reader.duration("drain_timeout", "0s", "1d").value_or(hub_.drain_timeout);
  const auto folder = reader.path("data_dir");
  hub_.data_dir_by_default = !folder;
  hub_.data_dir = folder ? *folder : default_data_dir(context_.lookup, ::geteuid() == 0, hub_.place);
}

void HubReader::check_version(const Reader& reader) {
  const auto* field = reader.find("version");
  const auto version = field ? text_of(context_, *field, "1") : std::nullopt;
  if (version && *version != "1")
    context_.error(field->value->spot, "bad-version", "version '" + shown(*version) + "' is unknown here",
                   "this program reads version 1");
}

void HubReader::read_sections(const Reader& reader) {
  Sources sources;
  Handlers handlers;
  const auto* sources_field =
      reader.need("sources", "say where messages come in:  sources: { orders: { fifo: /run/standpipe/orders } }");
  const auto* handlers_field = reader.need("handlers", "say what is done with them:  handlers: { screen: { plugin: print } }");
  const auto* routes_field = reader.need("routes", "say what goes where:  routes: [{ from: orders, to: screen }]");
  if (sources_field) sources = read_sources(context_, *sources_field);
  if (handlers_field) handlers = read_handlers(context_, *handlers_field, plugins_);
  const Ends ends{sources.names.size() ? &sources.names : nullptr, handlers.names.size() ? &handlers.names : nullptr};
  if (routes_field) hub_.routes = read_routes(context_, *routes_field, ends);
  const auto* unmatched = reader.find("unmatched");
  hub_.unmatched_by_default = !unmatched;
  if (unmatched) hub_.unmatched = read_unmatched(context_, *unmatched, ends);
  hub_.sources = sources.options;
  hub_.handlers = handlers.options;
  check_memory(context_, hub_, sources, memory_said_);
  if (handlers_field && routes_field) check_extent(context_, hub_, handlers_field->key, routes_field->key);
  if (how_ == Reading::anew) check_own_files(context_, hub_.file);
  if (sources_field && !context_.mistakes.any_error()) check_open_files(context_, hub_, sources_field->key);
  if (!context_.mistakes.any_error()) {
    warn_of_unused(sources, handlers);
    if (plugins_.tries()) try_handlers(context_, handlers);
  }
}

void HubReader::warn(const Spot& spot, std::string code, std::string message, std::string label) {
  context_.mistakes.add(
      spot, {.severity = Severity::warning, .code = std::move(code), .message = std::move(message), .label = std::move(label)});
}

void HubReader::warn_of_unused(const Sources& sources, const Handlers& handlers) {
  std::vector<bool> from(hub_.sources.size()), to(hub_.handlers.size());
  for (const auto& route : hub_.routes) {
    for (const auto source : route.from) from[source] = true;
    for (const auto handler : route.to) to[handler] = true;
  }
  if (hub_.unmatched) to[*hub_.unmatched] = true;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const Mistakes::Part part(context_.mistakes, hub_.sources[i].name);
    if (!from[i] && !hub_.unmatched)
      warn(sources.names.spot(i), "unused-source", "no route takes messages from '" + hub_.sources[i].name + "'",
           "all of them are dropped");
  }
  for (std::size_t i = 0; i < to.size(); ++i) {
    const Mistakes::Part part(context_.mistakes, hub_.handlers[i].name);
    if (!to[i])
      warn(handlers.names.spot(i), "unused-handler", "no route leads to '" + hub_.handlers[i].name + "'", "it gets nothing");
  }
}

}  // namespace

bool Loaded::ok() const {
  return std::none_of(diagnostics.begin(), diagnostics.end(), [](const auto& d) { return d.severity == Severity::error; });
}

Loaded load_text(std::string_view text, const std::string& file, plugin::Registry& plugins, Reading how, const std::string& place) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  Loaded loaded;
  loaded.hub.file = file;
  loaded.hub.place = place.empty() ? file : place;
  const Document document(file, std::string(text));
  Mistakes mistakes(document);
  Context context{mistakes, folder_of(loaded.hub.place), environment};
  const auto tree = parse(document, mistakes);
  if (tree && (!tree->root || tree->root->kind == Kind::null))
    mistakes.add({}, nothing_in(file));
  else if (tree)
    HubReader(context, loaded.hub, plugins, how).read(*tree->root);
  loaded.diagnostics = mistakes.in_order();
  return loaded;
}

std::optional<std::string> read_text(const std::string& path) {
  auto read = read_whole(path);
  if (auto* text = std::get_if<std::string>(&read)) return std::move(*text);
  return std::nullopt;
}

Loaded load_file(const std::string& path, plugin::Registry& plugins) {
  auto read = read_whole(path);
  if (const auto* text = std::get_if<std::string>(&read)) return load_text(*text, path, plugins);
  Loaded loaded;
  loaded.hub.file = path;
  loaded.diagnostics.push_back(std::get<Diagnostic>(std::move(read)));
  return loaded;
}

}  // namespace standpipe::config
