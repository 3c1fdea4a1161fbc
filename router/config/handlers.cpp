// SPDX-License-Identifier: Apache-2.0
#include "config/handlers.h"

#include <initializer_list>
#include <optional>

#include "base/limits.h"
#include "base/text.h"
#include "config/instance.h"
#include "config/names.h"

namespace standpipe::config {
namespace {

constexpr const char* kAttemptsMost = "1000000";
constexpr const char* kQueueMessagesMost = "1000000000000";

// Reads one handler after the other.
class HandlerReader {
 public:
  HandlerReader(Context& context, Plugins& plugins, Handlers& handlers)
      : context_(context),
        plugins_(plugins),
        instance_(context, plugins, Role::handler),
        handlers_(handlers) {}
  void read(const Field& field);

 private:
  void check_handler_name(const Field& field);
  void read_retry(const Field& field, const std::string& of, deliver::HandlerOptions& options);
  std::optional<bool> read_dead_letter(const Reader& reader);
  void read_queue(const Field& field, const std::string& of, deliver::QueueOptions& queue);
  void check_no_queue(const Reader& reader, std::initializer_list<const char*> keys);

  Context& context_;
  Plugins& plugins_;
  InstanceReader instance_;
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
                       {"plugin", "sha256", "options", "isolation", "memory_max", "user", "timeout",
                        "retry", "queue", "dead_letter", "allow_loop"},
                       {},
                       "key",
                       false,
                       plugins_.options_of(*field.value)});
  instance_.read(reader, field, options);
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

void HandlerReader::read_retry(const Field& field, const std::string& of,
                               deliver::HandlerOptions& options) {
  const Reader reader(
      context_, *field.value, field.key,
      {"'retry' of " + of, "retry: { max_attempts: 20 }", {"max_attempts", "max_age", "backoff"}});
  if (const auto most = reader.integer("max_attempts", "0", kAttemptsMost))
    options.attempts_max = static_cast<unsigned>(*most);
  options.age_max = reader.duration("max_age", "1s", "3650d").value_or(options.age_max);
  if (const auto* backoff = reader.find("backoff")) instance_.read_backoff(*backoff, of, options);
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

Handlers read_handlers(Context& context, const Field& section, Plugins& plugins) {
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
