// SPDX-License-Identifier: Apache-2.0
#include "config/loader.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "base/text.h"
#include "config/cycles.h"
#include "config/emitters.h"
#include "config/extent.h"
#include "config/handlers.h"
#include "config/join.h"
#include "config/live.h"
#include "config/memory.h"
#include "config/names.h"
#include "config/open_files.h"
#include "config/own_files.h"
#include "config/parse.h"
#include "config/paths.h"
#include "config/plugins.h"
#include "config/reader.h"
#include "config/routes.h"
#include "config/sources.h"
#include "config/tests.h"
#include "config/topology.h"
#include "config/trial.h"
#include "deliver/unmatched_letters.h"

namespace standpipe::config {
namespace {

std::optional<std::string> environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value ? std::optional<std::string>(value) : std::nullopt;
}

Diagnostic nothing_in(const std::string& file) {
  return {.code = "empty-file",
          .message = shown(file) + " has no configuration in it",
          .help = {"the smallest is:  sources: { in: { fifo: /tmp/in } }",
                   "                  handlers: { screen: { plugin: print } }",
                   "                  routes: [{ from: in, to: screen }]"}};
}

std::vector<std::string> places_of(const Bundle& bundle) {
  std::vector<std::string> places;
  for (const auto& file : bundle.files) places.push_back(file.place);
  return places;
}

std::vector<std::string> folders_of(const Bundle& bundle) {
  std::vector<std::string> folders;
  for (const auto& file : bundle.files) folders.push_back(folder_of(file.place));
  return folders;
}

// One file after the other, until one makes too much of it. Those that are not YAML are reported.
std::vector<std::optional<Tree>> parse_all(const Documents& documents, Mistakes& mistakes) {
  std::vector<std::optional<Tree>> trees;
  std::size_t nodes = 0;
  for (std::size_t i = 0; i < documents.size() && nodes <= kConfigNodesMax; ++i) {
    trees.push_back(parse(documents.number(i), mistakes));
    if (trees.back()) nodes += trees.back()->nodes.size();
  }
  return trees;
}

// Reads the whole configuration, section by section, into HubOptions. Where a file of it could not
// be parsed, only mistakes are reported that nothing in that file could be the answer to.
class HubReader {
 public:
  HubReader(Context& context, HubOptions& hub, const Bundle& bundle, plugin::Registry& plugins,
            Reading how)
      : context_(context),
        hub_(hub),
        bundle_(bundle),
        plugins_(plugins),
        how_(how),
        is_whole_(!context.mistakes.any_error()) {}
  void read(const Node& root);

 private:
  void read_settings(const Reader& reader);
  void read_dead_letters(const Field& field);
  void read_plugin_path(const Field& field);
  void check_version(const Reader& reader);
  void read_sections(const Reader& reader);
  const Field* section(const Reader& reader, const char* name, const char* label) const {
    return is_whole_ ? reader.need(name, label) : reader.find(name);
  }
  void keep_unmatched();

  Context& context_;
  HubOptions& hub_;
  const Bundle& bundle_;
  plugin::Registry& plugins_;
  Reading how_;
  bool is_whole_;
  Spot memory_reported_;
};

void HubReader::read(const Node& root) {
  const Reader reader(
      context_, root, {},
      {"the configuration",
       "sources: { in: { fifo: /tmp/in } }",
       {"version", "data_dir", "memory_max", "overflow_max", "match_max", "drain_timeout",
        "dead_letters", "plugin_path", "sources", "handlers", "routes", "unmatched", "tests"}});
  if (!reader.is_map()) return;
  read_settings(reader);
  read_sections(reader);
}

void HubReader::read_settings(const Reader& reader) {
  check_version(reader);
  if (const auto memory =
          reader.size("memory_max", size_text(kMemoryMaxLeast), size_text(kMemoryMaxMost))) {
    hub_.memory_max = *memory;
    memory_reported_ = reader.find("memory_max")->value->spot;
  }
  hub_.overflow_max =
      reader.size("overflow_max", "0B", size_text(kOverflowMaxMost)).value_or(kOverflowMaxDefault);
  context_.match_max =
      reader.size("match_max", "1B", size_text(kMatchMaxMost)).value_or(kMatchMaxDefault);
  hub_.drain_timeout = reader.duration("drain_timeout", "0s", "1d").value_or(hub_.drain_timeout);
  if (const auto* letters = reader.find("dead_letters")) read_dead_letters(*letters);
  if (const auto* folders = reader.find("plugin_path")) read_plugin_path(*folders);
  const auto folder = reader.path("data_dir");
  hub_.data_dir_by_default = !folder;
  hub_.data_dir =
      folder ? *folder : default_data_dir(context_.lookup, ::geteuid() == 0, hub_.place);
}

void HubReader::read_dead_letters(const Field& field) {
  const Reader reader(context_, *field.value, field.key,
                      {"'dead_letters'",
                       "dead_letters: { max_size: 1GiB, max_age: 30d }",
                       {"max_size", "max_age"}});
  const auto size = reader.size("max_size", size_text(deliver::kDeadLettersMaxLeast),
                                size_text(deliver::kDeadLettersMaxMost));
  const auto age = reader.duration("max_age", "1m", "3650d");
  hub_.dead_letters = deliver::DeadLetterLimits::of(size.value_or(hub_.dead_letters.all),
                                                    age.value_or(hub_.dead_letters.age));
}

// One folder or a list of them; a folder that is not there is one without plugins.
void HubReader::read_plugin_path(const Field& field) {
  if (field.value->kind == Kind::map)
    return wrong_type(context_, field, "a folder or a list of folders",
                      "write  plugin_path: /opt/plugins");
  const bool is_one = field.value->kind == Kind::scalar;
  std::vector<std::string> folders;
  for (const auto& item : is_one ? std::vector{field} : items_of(context_, field, {}))
    if (auto value = value_of(context_, item, {.type = STANDPIPE_PATH, .name = field.name}))
      folders.push_back(std::move(value->text));
  plugins_.search_too(std::move(folders));
}

void HubReader::check_version(const Reader& reader) {
  const auto* field = reader.find("version");
  const auto version = field ? text_of(context_, *field, "1") : std::nullopt;
  if (version && *version != "1")
    context_.error(field->value->spot, "bad-version",
                   "version '" + shown(*version) + "' is unknown here",
                   "this program reads version 1");
}

void HubReader::read_sections(const Reader& reader) {
  Sources sources;
  Handlers handlers;
  const auto* sources_field =
      section(reader, "sources",
              "say where messages come in:  sources: { orders: { fifo: /run/standpipe/orders } }");
  const auto* handlers_field = section(
      reader, "handlers", "say what is done with them:  handlers: { screen: { plugin: print } }");
  const auto* routes_field =
      section(reader, "routes", "say what goes where:  routes: [{ from: orders, to: screen }]");
  Plugins plugins(context_, plugins_);
  if (sources_field) sources = read_sources(context_, *sources_field, plugins);
  if (handlers_field) handlers = read_handlers(context_, *handlers_field, plugins);
  Emitters emitters(context_, sources, handlers, plugins_.loads());
  const Ends ends{is_whole_ && sources.names.size() ? &sources.names : nullptr,
                  is_whole_ && handlers.names.size() ? &handlers.names : nullptr, &emitters};
  Routes routes;
  if (routes_field) routes = read_routes(context_, *routes_field, ends);
  const auto* unmatched = reader.find("unmatched");
  hub_.unmatched_by_default = !unmatched;
  hub_.keeps_unmatched = unmatched && unmatched->value->text == "dead_letter";
  if (unmatched) hub_.unmatched = read_unmatched(context_, *unmatched, ends);
  if (const auto* tests = reader.find("tests"))
    hub_.tests = read_tests(context_, *tests, ends, sources);
  hub_.sources = sources.options;
  hub_.handlers = handlers.options;
  hub_.source_plugins = sources.plugins;
  hub_.routes = routes.options;
  check_one_namespace(context_, sources, handlers);
  check_cycles(context_, hub_, routes, unmatched ? unmatched->value->spot : Spot());
  fit_emitted(hub_, sources);
  if (is_whole_) check_memory(context_, hub_, sources, memory_reported_);
  if (handlers_field && routes_field)
    check_extent(context_, hub_, handlers_field->key, routes_field->key);
  if (how_ != Reading::again) {
    check_own_files(context_, places_of(bundle_));
    check_fifos(context_, sources, handlers);
  }
  if (sources_field && !context_.mistakes.any_error())
    check_open_files(context_, hub_, sources_field->key);
  if (!context_.mistakes.any_error()) {
    warn_of_unreachable(context_, hub_, sources, handlers, routes);
    warn_of_slow_patterns(context_, hub_, sources);
    if (plugins_.tries()) try_plugins(context_, sources, handlers);
  }
  if (how_ == Reading::live && !context_.mistakes.any_error()) {
    const auto* data_dir = reader.find("data_dir");
    check_live(context_, hub_, sources, handlers, data_dir ? data_dir->value->spot : Spot());
  }
  if (hub_.keeps_unmatched) keep_unmatched();
}

// As a handler more, which nobody named.
void HubReader::keep_unmatched() {
  hub_.unmatched = hub_.handlers.size();
  hub_.handlers.push_back(deliver::unmatched_letters());
}

}  // namespace

bool Loaded::ok() const {
  return std::none_of(diagnostics.begin(), diagnostics.end(),
                      [](const auto& d) { return d.severity == Severity::error; });
}

Loaded load(const Bundle& bundle, plugin::Registry& plugins, Reading how) {
  Loaded loaded;
  loaded.hub.file = bundle.name;
  loaded.hub.place = bundle.place;
  const Documents documents(bundle);
  Mistakes mistakes(documents);
  Context context{mistakes, folders_of(bundle), environment};
  Tree joined;
  const auto trees = parse_all(documents, mistakes);
  HubReader reader(context, loaded.hub, bundle, plugins, how);
  if (const auto* root = join(context, trees, joined))
    reader.read(*root);
  else if (!mistakes.any_error())
    mistakes.add({}, nothing_in(bundle.name));
  loaded.diagnostics = mistakes.in_order();
  return loaded;
}

Loaded unreadable(const std::vector<std::string>& paths, std::vector<Diagnostic> why) {
  Loaded loaded;
  if (!paths.empty()) loaded.hub.file = paths.front();
  loaded.diagnostics = std::move(why);
  return loaded;
}

Loaded load_paths(const std::vector<std::string>& paths, plugin::Registry& plugins, Reading how) {
  auto read = read_bundle(paths);
  if (const auto* bundle = std::get_if<Bundle>(&read)) return load(*bundle, plugins, how);
  return unreadable(paths, std::get<std::vector<Diagnostic>>(std::move(read)));
}

Loaded load_file(const std::string& path, plugin::Registry& plugins) {
  return load_paths({path}, plugins);
}

Loaded load_text(std::string_view text, const std::string& file, plugin::Registry& plugins,
                 Reading how) {
  return load(bundle_of(text, file), plugins, how);
}

}  // namespace standpipe::config
