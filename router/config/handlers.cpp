// SPDX-License-Identifier: Apache-2.0
#include "config/handlers.h"

#include <algorithm>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <optional>
#include <system_error>

#include "base/limits.h"
#include "base/text.h"
#include "config/names.h"
#include "config/options.h"

namespace standpipe::config {
namespace {

constexpr const char* kAttemptsMost = "1000000";
constexpr const char* kQueueMessagesMost = "1000000000000";

// Finds plugins for handlers; each that cannot be used is loaded once, but reported wherever it is
// named.
class Plugins {
 public:
  Plugins(Context& context, plugin::Registry& registry)
      : context_(context), registry_(registry), known_(registry.names()) {}
  const plugin::Plugin* find(const Field& field);
  // How the options of a handler's plugin are written, for somebody who left out `options:`.
  std::vector<Synonym> options_of(const Node& handler);

 private:
  struct Answer {
    const plugin::Plugin* plugin = nullptr;
    plugin::Refused refused;
  };
  const Answer& ask(const std::string& name, const std::string& whole);
  void complain(const Field& field, const std::string& name, const Answer& answer);
  void warn_of_another_name(const Field& field, const plugin::Plugin& plugin);
  std::string suggest(const std::string& name);

  Context& context_;
  plugin::Registry& registry_;
  std::vector<std::string>
      known_;  // sorted; folders are looked through once, not for each name that is unknown
  std::map<std::string, Answer> answers_;
};

deliver::Placement placement_of(const std::string& isolation) {
  if (isolation == "process") return deliver::Placement::process;
  return isolation == "thread" ? deliver::Placement::thread : deliver::Placement::inline_;
}

bool is_path(const std::string& name) { return name.find('/') != std::string::npos; }

bool is_file(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error);
}

// `whole`: the name, or the absolute path.
const Plugins::Answer& Plugins::ask(const std::string& name, const std::string& whole) {
  const auto [at, is_new] = answers_.try_emplace(whole);
  auto& answer = at->second;
  if (!is_new) return answer;
  if (is_path(name) && !is_file(whole) && registry_.loads())
    answer.refused = {"", "there is no plugin file " + shown(whole), ""};
  else if (!is_path(name) && !known_.empty() &&
           !std::binary_search(known_.begin(), known_.end(), name))
    answer.refused = {"", "unknown plugin '" + shown(name) + "'", registry_.searched()};
  else
    answer.plugin = registry_.find(whole, answer.refused);
  return answer;
}

const plugin::Plugin* Plugins::find(const Field& field) {
  const auto name = text_of(context_, field, "a plugin's name");
  if (!name) return nullptr;
  if (name->empty() || name->find('\0') != std::string::npos) {
    context_.error(field.value->spot, "unknown-plugin", "'" + shown(*name) + "' is not a plugin",
                   suggest(*name));
    return nullptr;
  }
  const std::filesystem::path folder = context_.folder_of(field.value->spot);
  const auto& answer =
      ask(*name, is_path(*name) ? (folder / *name).lexically_normal().string() : *name);
  if (answer.plugin && answer.plugin->is_handler()) {
    warn_of_another_name(field, *answer.plugin);
    return answer.plugin;
  }
  complain(field, *name, answer);
  return nullptr;
}

std::vector<Synonym> Plugins::options_of(const Node& handler) {
  std::vector<Synonym> options;
  for (const auto& entry : handler.entries) {
    const auto& name = entry.value->text;
    if (entry.key->text != "plugin" || !std::binary_search(known_.begin(), known_.end(), name))
      continue;
    const auto* plugin = ask(name, name).plugin;
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
  if (answer.plugin) {
    d.message = "plugin '" + shown(name) + "' offers no handler";
    if (answer.plugin->is_source())
      d.help.push_back("it offers a source, and this router does not run source plugins yet");
  } else if (!answer.refused.path.empty()) {
    d.code = "refused-plugin";
    d.message = "plugin '" + shown(name) + "' cannot be used";
    d.notes.push_back(answer.refused.reason);
    if (!answer.refused.help.empty()) d.help.push_back(answer.refused.help);
  } else {
    d.label = suggest(name);
    if (!answer.refused.help.empty()) d.help.push_back(answer.refused.help);
  }
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

// Reads one handler after the other.
class HandlerReader {
 public:
  HandlerReader(Context& context, plugin::Registry& registry, Handlers& handlers)
      : context_(context),
        plugins_(context, registry),
        loads_(registry.loads()),
        handlers_(handlers) {}
  void read(const Field& field);

 private:
  void check_handler_name(const Field& field);
  void read_plugin(const Reader& reader, const Field& handler, deliver::HandlerOptions& options);
  void read_isolation(const Reader& reader, deliver::HandlerOptions& options);
  void read_limits(const Reader& reader, deliver::HandlerOptions& options);
  void read_retry(const Field& field, const std::string& of, deliver::HandlerOptions& options);
  void read_backoff(const Field& field, const std::string& of, deliver::HandlerOptions& options);
  std::optional<bool> read_dead_letter(const Reader& reader);
  void read_queue(const Field& field, const std::string& of, deliver::QueueOptions& queue);
  void check_no_queue(const Reader& reader, std::initializer_list<const char*> keys);

  Context& context_;
  Plugins plugins_;
  bool loads_;  // else what plugins want is not asked
  Handlers& handlers_;
};

void HandlerReader::read(const Field& field) {
  check_handler_name(field);
  handlers_.names.add(field.name, field.key);
  deliver::HandlerOptions options{.name = field.name, .values = {}};
  const Mistakes::Part part(context_.mistakes, shown(field.name));
  const auto what = "handler '" + shown(field.name) + "'";
  const Reader reader(context_, *field.value, field.key,
                      {what,
                       shown(field.name) + ": { plugin: print }",
                       {"plugin", "options", "isolation", "memory_max", "user", "timeout", "retry",
                        "queue", "dead_letter", "allow_loop"},
                       {},
                       "key",
                       false,
                       plugins_.options_of(*field.value)});
  read_plugin(reader, field, options);
  read_isolation(reader, options);
  options.timeout = reader.duration("timeout", "100ms", "1d").value_or(options.timeout);
  if (const auto* retry = reader.find("retry")) read_retry(*retry, what, options);
  if (const auto* queue = reader.find("queue")) read_queue(*queue, what, options.queue);
  options.dead_letter = read_dead_letter(reader).value_or(options.dead_letter);
  handlers_.options.push_back(std::move(options));
  handlers_.allow_loop.push_back(reader.boolean("allow_loop").value_or(false));
}

// Who looks for where dead letters go may well name a handler here.
std::optional<bool> HandlerReader::read_dead_letter(const Reader& reader) {
  const auto* field = reader.find("dead_letter");
  const bool is_name = field && field->value->kind == Kind::scalar && !field->value->quoted &&
                       handlers_.names.find(field->value->text);
  if (!is_name) return reader.boolean("dead_letter");
  context_.error(field->value->spot, "bad-value",
                 "'" + shown(field->value->text) + "' is neither true nor false",
                 "write true: dead letters are kept in data_dir, and no handler gets them");
  return std::nullopt;
}

void HandlerReader::check_handler_name(const Field& field) {
  if (!check_name(context_.mistakes, field.key, field.name)) return;
  if (field.name == "drop" || field.name == "dead_letter")
    context_.error(field.key, "bad-name", "a handler cannot be called '" + field.name + "'",
                   "the word has a meaning in 'unmatched'");
}

void HandlerReader::read_plugin(const Reader& reader, const Field& handler,
                                deliver::HandlerOptions& options) {
  const auto* named = reader.need("plugin", "say which:  plugin: print");
  options.plugin = named ? plugins_.find(*named) : nullptr;
  if (options.plugin && loads_)
    options.values = read_options(context_, reader.find("options"), *options.plugin, handler);
}

void HandlerReader::read_isolation(const Reader& reader, deliver::HandlerOptions& options) {
  const auto isolation =
      reader.available("isolation", {{"inline", "thread", "process"}, {}, "isolation", ""});
  if (isolation) options.placement = placement_of(*isolation);
  read_limits(reader, options);
  if (!isolation) return;
  const auto& spot = reader.find("isolation")->value->spot;
  const bool may_block =
      options.plugin && options.plugin->abi->handler->placement != STANDPIPE_INLINE;
  if (*isolation == "inline" && may_block)
    context_.error(spot, "may-block",
                   "plugin '" + options.plugin->name +
                       "' may block, and 'inline' would stop the whole hub with it",
                   "use thread, or leave it out");
}

// What only a process of its own can have.
void HandlerReader::read_limits(const Reader& reader, deliver::HandlerOptions& options) {
  options.memory_max =
      reader.size("memory_max", size_text(kHandlerMemoryLeast), size_text(kHandlerMemoryMost))
          .value_or(0);
  options.user = reader.text("user").value_or("");
  if (!options.plugin || options.where() == deliver::Placement::process) return;
  for (const auto* key : {"memory_max", "user"})
    if (const auto* unused = reader.find(key); unused && loads_)
      context_.error(unused->key, "unused-key",
                     "'" + unused->name + "' is for a handler that has a process of its own",
                     "add isolation: process, or remove it");
}

void HandlerReader::read_retry(const Field& field, const std::string& of,
                               deliver::HandlerOptions& options) {
  const Reader reader(
      context_, *field.value, field.key,
      {"'retry' of " + of, "retry: { max_attempts: 20 }", {"max_attempts", "max_age", "backoff"}});
  if (const auto most = reader.integer("max_attempts", "0", kAttemptsMost))
    options.attempts_max = static_cast<unsigned>(*most);
  options.age_max = reader.duration("max_age", "1s", "3650d").value_or(options.age_max);
  if (const auto* backoff = reader.find("backoff")) read_backoff(*backoff, of, options);
}

void HandlerReader::read_backoff(const Field& field, const std::string& of,
                                 deliver::HandlerOptions& options) {
  const Reader reader(
      context_, *field.value, field.key,
      {"'backoff' of " + of, "backoff: { initial: 200ms, max: 30s }", {"initial", "max"}});
  const auto initial = reader.duration("initial", "1ms", "1d");
  const auto most = reader.duration("max", "1ms", "1d");
  options.backoff_initial = initial.value_or(options.backoff_initial);
  options.backoff_max = most.value_or(options.backoff_max);
  if (options.backoff_initial <= options.backoff_max) return;
  const auto* blamed = reader.find(most ? "max" : "initial");
  context_.error(blamed->value->spot, "out-of-range",
                 "the first wait (" + duration_text(options.backoff_initial) +
                     (initial ? "" : ", the default") + ") is longer than the longest (" +
                     duration_text(options.backoff_max) + (most ? ")" : ", the default)"),
                 most ? "make it at least " + duration_text(options.backoff_initial)
                      : "give a longer 'max' too");
}

void HandlerReader::read_queue(const Field& field, const std::string& of,
                               deliver::QueueOptions& queue) {
  using Queue = deliver::QueueOptions;
  const bool means_disk = field.value->kind == Kind::scalar && field.value->text == "disk";
  const Reader reader(context_, *field.value, field.key,
                      {"'queue' of " + of,
                       means_disk ? "queue: { type: disk }"
                                  : "queue: { type: memory, max_messages: 1000, when_full: "
                                    "drop_oldest }",
                       {"type", "max_size", "max_messages", "when_full", "sync"}});
  if (!reader.is_map()) return;
  if (!reader.need("type", "say which:  type: memory")) return;
  const auto type = reader.choice("type", {"none", "memory", "disk"});
  if (type == "none")
    return check_no_queue(reader, {"max_size", "max_messages", "when_full", "sync"});
  const bool is_on_disk = type == "disk";
  queue.type = is_on_disk ? Queue::Type::disk : Queue::Type::memory;
  if (is_on_disk) queue.size_max = kDiskQueueSizeDefault;
  queue.size_max =
      reader.size("max_size", "1B", size_text(kDiskQueueSizeMost)).value_or(queue.size_max);
  if (is_on_disk && queue.size_max < kDiskQueueSizeLeast)
    context_.error(reader.find("max_size")->value->spot, "out-of-range",
                   "this queue on disk is too small",
                   "make it at least " + size_text(kDiskQueueSizeLeast));
  if (const auto most = reader.integer("max_messages", "1", kQueueMessagesMost))
    queue.messages_max = static_cast<std::uint64_t>(*most);
  const auto when_full = reader.choice("when_full", {"block", "drop_newest", "drop_oldest"});
  if (when_full == "drop_newest") queue.when_full = Queue::WhenFull::drop_newest;
  if (when_full == "drop_oldest") queue.when_full = Queue::WhenFull::drop_oldest;
  if (type == "memory") check_no_queue(reader, {"sync"});
  const auto sync = reader.choice("sync", {"never", "interval", "always"});
  if (sync == "never") queue.sync = Queue::kNever;
  if (sync == "always") queue.sync = Queue::kAlways;
  if (type == "memory" && !reader.find("max_size") && !reader.find("max_messages"))
    context_.error(field.key, "missing-key", "this queue has no limit",
                   "say how much may wait:  max_messages: 1000, or max_size: 256KiB");
}

// Keys that say nothing for this type of queue.
void HandlerReader::check_no_queue(const Reader& reader, std::initializer_list<const char*> keys) {
  const auto type = reader.text("type").value_or("");
  for (const auto* key : keys)
    if (const auto* unused = reader.find(key))
      context_.error(unused->key, "unused-key",
                     "'" + unused->name + "' means nothing for queue type " + type, "remove it");
}

}  // namespace

Handlers read_handlers(Context& context, const Field& section, plugin::Registry& plugins) {
  Handlers handlers;
  const auto reader = Reader::of_names(context, *section.value,
                                       {"'handlers'", "handlers: { NAME: { plugin: print } }", {}});
  HandlerReader one(context, plugins, handlers);
  for (const auto& field : reader.fields()) one.read(field);
  if (reader.is_empty())
    context.error(section.key, "no-handlers", "there are no handlers",
                  "name one:  screen: { plugin: print }");
  return handlers;
}

}  // namespace standpipe::config
