// SPDX-License-Identifier: Apache-2.0
#include "config/handlers.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <system_error>

#include "base/text.h"
#include "config/names.h"
#include "config/options.h"

namespace standpipe::config {
namespace {

constexpr const char* kAttemptsMost = "1000000";

// Finds plugins for handlers; each that cannot be used is asked for once, but told wherever it is named.
class Plugins {
 public:
  Plugins(Context& context, plugin::Registry& registry) : context_(context), registry_(registry), known_(registry.names()) {}
  const plugin::Plugin* find(const Field& field);

 private:
  struct Answer {
    const plugin::Plugin* plugin = nullptr;
    plugin::Refused refused;
  };
  const Answer& ask(const std::string& name);
  void complain(const Field& field, const std::string& name, const Answer& answer);
  std::string suggest(const std::string& name);

  Context& context_;
  plugin::Registry& registry_;
  std::vector<std::string> known_;  // sorted; folders are looked through once, not for each name that is unknown
  std::map<std::string, Answer> answers_;
};

bool is_path(const std::string& name) { return name.find('/') != std::string::npos; }

bool is_file(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error);
}

const Plugins::Answer& Plugins::ask(const std::string& name) {
  const auto [at, is_new] = answers_.try_emplace(name);
  auto& answer = at->second;
  if (!is_new) return answer;
  const auto whole = is_path(name) ? (std::filesystem::path(context_.folder) / name).lexically_normal().string() : name;
  if (is_path(name) && !is_file(whole) && registry_.loads())
    answer.refused = {"", "there is no plugin file " + shown(whole), ""};
  else if (!is_path(name) && !known_.empty() && !std::binary_search(known_.begin(), known_.end(), name))
    answer.refused = {"", "unknown plugin '" + shown(name) + "'", registry_.searched()};
  else
    answer.plugin = registry_.find(whole, answer.refused);
  return answer;
}

const plugin::Plugin* Plugins::find(const Field& field) {
  const auto name = text_of(context_, field, "a plugin's name");
  if (!name) return nullptr;
  if (name->empty() || name->find('\0') != std::string::npos) {
    context_.error(field.value->spot, "unknown-plugin", "'" + shown(*name) + "' is no plugin", suggest(*name));
    return nullptr;
  }
  const auto& answer = ask(*name);
  if (answer.plugin && answer.plugin->is_handler()) return answer.plugin;
  complain(field, *name, answer);
  return nullptr;
}

std::string Plugins::suggest(const std::string& name) { return suggestion(context_.mistakes, name, known_, "plugins"); }

void Plugins::complain(const Field& field, const std::string& name, const Answer& answer) {
  Diagnostic d{.code = "unknown-plugin", .message = answer.refused.reason};
  if (answer.plugin) {
    d.message = "plugin '" + shown(name) + "' is not for handlers";
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

// Reads one handler after the other.
class HandlerReader {
 public:
  HandlerReader(Context& context, plugin::Registry& registry, Handlers& handlers)
      : context_(context), plugins_(context, registry), loads_(registry.loads()), handlers_(handlers) {}
  void read(const Field& field);

 private:
  void check_handler_name(const Field& field);
  void read_plugin(const Reader& reader, const Field& handler, deliver::HandlerOptions& options);
  void read_isolation(const Reader& reader, deliver::HandlerOptions& options);
  void read_retry(const Field& field, const std::string& of, deliver::HandlerOptions& options);
  void read_backoff(const Field& field, const std::string& of, deliver::HandlerOptions& options);
  void check_queue(const Field& field, const std::string& of);

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
                       {"plugin", "options", "isolation", "timeout", "retry", "queue", "dead_letter"}});
  read_plugin(reader, field, options);
  read_isolation(reader, options);
  options.timeout = reader.duration("timeout", "100ms", "1d").value_or(options.timeout);
  if (const auto* retry = reader.find("retry")) read_retry(*retry, what, options);
  if (const auto* queue = reader.find("queue")) check_queue(*queue, what);
  options.dead_letter = reader.boolean("dead_letter").value_or(options.dead_letter);
  handlers_.options.push_back(std::move(options));
}

void HandlerReader::check_handler_name(const Field& field) {
  if (!check_name(context_.mistakes, field.key, field.name)) return;
  if (field.name == "drop" || field.name == "dead_letter")
    context_.error(field.key, "bad-name", "a handler cannot be called '" + field.name + "'",
                   "the word has a meaning in 'unmatched'");
}

void HandlerReader::read_plugin(const Reader& reader, const Field& handler, deliver::HandlerOptions& options) {
  const auto* named = reader.need("plugin", "say which:  plugin: print");
  options.plugin = named ? plugins_.find(*named) : nullptr;
  if (options.plugin && loads_) options.values = read_options(context_, reader.find("options"), *options.plugin, handler);
}

void HandlerReader::read_isolation(const Reader& reader, deliver::HandlerOptions& options) {
  const auto isolation = reader.available("isolation", {{"inline", "thread"}, {"process"}, "isolation", "use thread"});
  if (!isolation) return;
  const auto& spot = reader.find("isolation")->value->spot;
  options.placement = *isolation == "thread" ? deliver::Placement::thread : deliver::Placement::inline_;
  const bool may_block = options.plugin && options.plugin->abi->handler->placement != STANDPIPE_INLINE;
  if (*isolation == "inline" && may_block)
    context_.error(spot, "may-block",
                   "plugin '" + options.plugin->name + "' may block, and 'inline' would stop the whole hub with it",
                   "use thread, or leave it out");
}

void HandlerReader::read_retry(const Field& field, const std::string& of, deliver::HandlerOptions& options) {
  const Reader reader(context_, *field.value, field.key,
                      {"'retry' of " + of, "retry: { max_attempts: 20 }", {"max_attempts", "backoff"}});
  if (const auto most = reader.integer("max_attempts", "0", kAttemptsMost)) options.attempts_max = static_cast<unsigned>(*most);
  if (const auto* backoff = reader.find("backoff")) read_backoff(*backoff, of, options);
}

void HandlerReader::read_backoff(const Field& field, const std::string& of, deliver::HandlerOptions& options) {
  const Reader reader(context_, *field.value, field.key,
                      {"'backoff' of " + of, "backoff: { initial: 200ms, max: 30s }", {"initial", "max"}});
  const auto initial = reader.duration("initial", "1ms", "1d");
  const auto most = reader.duration("max", "1ms", "1d");
  options.backoff_initial = initial.value_or(options.backoff_initial);
  options.backoff_max = most.value_or(options.backoff_max);
  if (options.backoff_initial <= options.backoff_max) return;
  const auto* blamed = reader.find(most ? "max" : "initial");
  context_.error(blamed->value->spot, "out-of-range",
                 "the first wait (" + duration_text(options.backoff_initial) + (initial ? "" : ", the default") +
                     ") is longer than the longest (" + duration_text(options.backoff_max) + (most ? ")" : ", the default)"),
                 most ? "make it at least " + duration_text(options.backoff_initial) : "give a longer 'max' too");
}

void HandlerReader::check_queue(const Field& field, const std::string& of) {
  const Reader reader(context_, *field.value, field.key,
                      {"'queue' of " + of, "queue: { type: none }", {"type", "max_size", "when_full"}});
  if (!reader.is_map()) return;
  if (!reader.need("type", "say which:  type: none")) return;
  const auto type = reader.available(
      "type", {{"none"}, {"memory", "disk"}, "queue type", "leave 'queue' out; give the source a larger 'log' to wait in"});
  if (!type) return;
  for (const auto* key : {"max_size", "when_full"})
    if (const auto* unused = reader.find(key))
      context_.error(unused->key, "unused-key", "'" + unused->name + "' means nothing for queue type none", "remove it");
}

}  // namespace

Handlers read_handlers(Context& context, const Field& section, plugin::Registry& plugins) {
  Handlers handlers;
  const auto reader = Reader::of_names(context, *section.value, {"'handlers'", "handlers: { NAME: { plugin: print } }", {}});
  HandlerReader one(context, plugins, handlers);
  for (const auto& field : reader.fields()) one.read(field);
  if (reader.is_empty()) context.error(section.key, "no-handlers", "there are no handlers", "name one:  screen: { plugin: print }");
  return handlers;
}

}  // namespace standpipe::config
