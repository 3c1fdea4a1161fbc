// SPDX-License-Identifier: Apache-2.0
#include "config/sources.h"

#include <initializer_list>
#include <unordered_map>

#include "base/text.h"
#include "config/instance.h"
#include "config/names.h"
#include "config/paths.h"

namespace standpipe::config {
namespace {

constexpr const char* kRateMost = "1000000000";
constexpr const char* kFramesInstead =
    "use length_prefixed; `standpipe send` makes such frames of lines and files";

// Reads one source after the other; remembers which FIFOs are taken.
class SourceReader {
 public:
  SourceReader(Context& context, Plugins& plugins, Sources& sources)
      : context_(context),
        plugins_(plugins),
        instance_(context, plugins, Role::source),
        sources_(sources) {}
  void read(const Field& field);

 private:
  void read_origin(const Reader& reader, const Field& source, source::SourceOptions& options);
  void refuse(const Reader& reader, std::initializer_list<const char*> keys,
              const std::string& whose, const char* instead);
  void read_plugin(const Reader& reader, const Field& source, source::SourceOptions& options);
  void read_retry(const Field& field, const std::string& of, deliver::HandlerOptions& instance);
  void read_fifo(const Reader& reader, const Field& source, source::SourceOptions& options);
  void read_owner(const Reader& reader, source::SourceOptions& options);
  void read_framing(const Field& field, const std::string& of, source::SourceOptions& options,
                    Spot& given);
  void check_framing_details(const Reader& reader);
  void read_log(const Field& field, const std::string& of, source::SourceOptions& options,
                Spot& given);
  void read_rate_limit(const Field& field, const std::string& of, source::SourceOptions& options);

  Context& context_;
  Plugins& plugins_;
  InstanceReader instance_;
  Sources& sources_;
  std::unordered_map<std::string, std::string> taken_;  // path -> source
};

void SourceReader::read(const Field& field) {
  check_name(context_.mistakes, field.key, field.name);
  sources_.names.add(field.name, field.key);
  source::SourceOptions options{.name = field.name, .path = {}};
  Spot message_size, log_size;
  const Mistakes::Part part(context_.mistakes, shown(field.name));
  const auto what = "source '" + shown(field.name) + "'";
  const Reader reader(context_, *field.value, field.key,
                      {what,
                       shown(field.name) + ": { fifo: /run/standpipe/" + shown(field.name) + " }",
                       {"fifo", "plugin", "sha256", "mode", "owner", "group", "trust", "options",
                        "ack", "isolation", "memory_max", "user", "timeout", "retry", "framing",
                        "log", "rate_limit", "match_max"},
                       {},
                       "key",
                       false,
                       plugins_.options_of(*field.value)});
  read_origin(reader, field, options);
  const auto* given = reader.find("fifo");
  if (const auto* framing = reader.find("framing"))
    read_framing(*framing, what, options, message_size);
  if (const auto* log = reader.find("log")) read_log(*log, what, options, log_size);
  if (const auto* limit = reader.find("rate_limit")) read_rate_limit(*limit, what, options);
  options.match_max =
      reader.size("match_max", "1B", size_text(kMatchMaxMost)).value_or(context_.match_max);
  sources_.options.push_back(std::move(options));
  sources_.fifo.push_back(given ? given->value->spot : field.key);
  sources_.message_size_max.push_back(message_size);
  sources_.log_size_max.push_back(log_size);
}

// A FIFO or a plugin. What only the other one has is a mistake.
void SourceReader::read_origin(const Reader& reader, const Field& source,
                               source::SourceOptions& options) {
  const auto* origin =
      reader.need_one("fifo", "plugin", "say which:  fifo: /run/standpipe/" + shown(source.name));
  if (!origin) return;
  if (origin->name == "fifo") {
    if (!reader.find("plugin"))
      refuse(reader,
             {"sha256", "options", "ack", "isolation", "memory_max", "user", "timeout", "retry"},
             "a source with a plugin", "remove it: this source is a FIFO");
    read_fifo(reader, source, options);
    return read_owner(reader, options);
  }
  refuse(reader, {"mode", "owner", "group", "trust"}, "a FIFO",
         "remove it: this source has a plugin, and no FIFO is made for it");
  read_plugin(reader, source, options);
}

void SourceReader::refuse(const Reader& reader, std::initializer_list<const char*> keys,
                          const std::string& whose, const char* instead) {
  for (const auto* key : keys)
    if (const auto* unused = reader.find(key))
      context_.error(unused->key, "unused-key", "'" + unused->name + "' is for " + whose, instead);
}

void SourceReader::read_plugin(const Reader& reader, const Field& source,
                               source::SourceOptions& options) {
  deliver::HandlerOptions instance{.name = source.name, .values = {}};
  instance_.read(reader, source, instance);
  if (const auto* retry = reader.find("retry"))
    read_retry(*retry, "source '" + shown(source.name) + "'", instance);
  options.origin = source::Origin::plugin;
  options.from = sources_.plugins.size();
  options.acks_accepted = reader.choice("ack", {"settled", "accepted"}) == "accepted";
  sources_.plugins.push_back(std::move(instance));
}

// A source has no messages to try again, but it may have to be opened again.
void SourceReader::read_retry(const Field& field, const std::string& of,
                              deliver::HandlerOptions& instance) {
  const Reader reader(context_, *field.value, field.key,
                      {"'retry' of " + of, "retry: { backoff: { max: 1m } }", {"backoff"}});
  if (const auto* backoff = reader.find("backoff")) instance_.read_backoff(*backoff, of, instance);
}

void SourceReader::read_fifo(const Reader& reader, const Field& source,
                             source::SourceOptions& options) {
  const auto path = reader.path("fifo");
  if (!path) return;
  const auto& spot = reader.find("fifo")->value->spot;
  if (path->find_first_of("*?[") != std::string::npos)
    return context_.not_available(spot, "a pattern for FIFOs",
                                  "name each FIFO as a source of its own");
  if (const auto problem = path_problem(*path))
    return context_.error(spot, "bad-path", "this path " + *problem,
                          "name a FIFO, e.g. /run/standpipe/" + shown(source.name));
  const auto [first, is_new] = taken_.emplace(*path, source.name);
  if (!is_new)
    return context_.error(spot, "duplicate-fifo", "two sources read " + shown(*path),
                          "source '" + shown(first->second) +
                              "' does already; send it to several handlers by routes");
  options.path = *path;
}

void SourceReader::read_owner(const Reader& reader, source::SourceOptions& options) {
  options.trust_others = reader.choice("trust", {"self", "others"}) == "others";
  if (const auto* mode = reader.find("mode")) {
    options.mode = mode_of(context_, *mode).value_or(options.mode);
    options.mode_given = true;
  }
  for (const auto& [key, target] :
       {std::pair("owner", &options.owner), {"group", &options.group}}) {
    *target = reader.text(key);
    if (*target && (target->value().empty() || target->value().find('\0') != std::string::npos))
      context_.error(reader.find(key)->value->spot, "bad-value",
                     std::string("'") + key + "' is not a name",
                     "give a name or a number, or remove it");
  }
}

void SourceReader::read_framing(const Field& field, const std::string& of,
                                source::SourceOptions& options, Spot& given) {
  const Reader reader(context_, *field.value, field.key,
                      {"'framing' of " + of,
                       "framing: { type: length_prefixed }",
                       {"type", "max_message_size", "length_bytes", "byte_order", "delimiter"}});
  if (options.origin == source::Origin::plugin)
    refuse(reader, {"type", "length_bytes", "byte_order", "delimiter"}, "a FIFO",
           "remove it: a plugin brings messages, and no frames");
  else
    check_framing_details(reader);
  if (const auto most = reader.size("max_message_size", "1B", size_text(kMessageSizeMaxMost))) {
    options.message_size_max = *most;
    given = reader.find("max_message_size")->value->spot;
  }
}

void SourceReader::check_framing_details(const Reader& reader) {
  const auto* type = reader.find("type");
  const auto known = reader.available("type", {{"length_prefixed"},
                                               {"lines", "delimited", "netstring", "sealed"},
                                               "framing",
                                               kFramesInstead});
  if (type && !known) return;
  reader.available("length_bytes", {{"4"},
                                    {"1", "2", "8", "varint"},
                                    "length_bytes",
                                    "leave it out: frames begin with 4 bytes of length"});
  reader.available("byte_order",
                   {{"little"}, {"big"}, "byte_order", "leave it out: lengths are little endian"});
  if (const auto* delimiter = reader.find("delimiter"))
    context_.error(delimiter->key, "unused-key",
                   "'delimiter' means nothing for framing length_prefixed", "remove it");
}

void SourceReader::read_log(const Field& field, const std::string& of,
                            source::SourceOptions& options, Spot& given) {
  const Reader reader(context_, *field.value, field.key,
                      {"'log' of " + of, "log: { max_size: 1MiB }", {"max_size", "when_full"}});
  if (const auto size =
          reader.size("max_size", size_text(kLogSizeLeast), size_text(kLogSizeMost))) {
    options.log_size_max = *size;
    given = reader.find("max_size")->value->spot;
  }
  reader.available("when_full", {{"block"},
                                 {"drop_oldest", "drop_newest", "dead_letter"},
                                 "when_full",
                                 "use block: writers wait while the log is full"});
}

void SourceReader::read_rate_limit(const Field& field, const std::string& of,
                                   source::SourceOptions& options) {
  const Reader reader(
      context_, *field.value, field.key,
      {"'rate_limit' of " + of, "rate_limit: { per_second: 1000 }", {"per_second", "burst"}});
  if (!reader.is_map() || !reader.need("per_second", "say how many messages:  per_second: 1000"))
    return;
  options.rate_limit =
      static_cast<std::uint64_t>(reader.integer("per_second", "1", kRateMost).value_or(0));
  const auto burst = reader.integer("burst", "1", kRateMost);
  options.rate_burst = burst ? static_cast<std::uint64_t>(*burst) : options.rate_limit;
}

}  // namespace

Sources read_sources(Context& context, const Field& section, Plugins& plugins) {
  Sources sources;
  const auto reader = Reader::of_names(context, *section.value,
                                       {"'sources'", "sources: { NAME: { fifo: PATH } }", {}});
  SourceReader one(context, plugins, sources);
  for (const auto& field : reader.fields()) one.read(field);
  if (reader.is_empty())
    context.error(section.key, "no-sources", "there are no sources",
                  "name one:  orders: { fifo: /run/standpipe/orders }");
  return sources;
}

}  // namespace standpipe::config
