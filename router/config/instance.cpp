// SPDX-License-Identifier: Apache-2.0
#include "config/instance.h"

#include "base/limits.h"
#include "base/text.h"
#include "config/names.h"
#include "config/options.h"

namespace standpipe::config {
namespace {

constexpr std::size_t kDigestDigits = 64;

deliver::Placement placement_called(const std::string& isolation) {
  if (isolation == "process") return deliver::Placement::process;
  return isolation == "thread" ? deliver::Placement::thread : deliver::Placement::inline_;
}

// One of STANDPIPE_INLINE and so on.
std::uint32_t placement_wanted(const deliver::HandlerOptions& instance) {
  const auto& abi = *instance.plugin->abi;
  return instance.is_source ? abi.source->placement : abi.handler->placement;
}

}  // namespace

void InstanceReader::read(const Reader& reader, const Field& part,
                          deliver::HandlerOptions& options) {
  options.is_source = role_ == Role::source;
  read_plugin(reader, part, options);
  read_isolation(reader, options);
  options.timeout = reader.duration("timeout", "100ms", "1d").value_or(options.timeout);
}

void InstanceReader::read_plugin(const Reader& reader, const Field& part,
                                 deliver::HandlerOptions& options) {
  const auto* named = reader.need("plugin", "say which:  plugin: print");
  const auto sha256 = read_sha256(reader);
  options.plugin = named && sha256 ? plugins_.find(*named, role_, *sha256) : nullptr;
  if (options.plugin && plugins_.loads())
    options.values = read_options(context_, reader.find("options"), *options.plugin, part, role_);
}

// Empty: the file is not pinned. nullopt: it is, by what is no digest; so it must not be loaded.
std::optional<std::string> InstanceReader::read_sha256(const Reader& reader) {
  const auto* field = reader.find("sha256");
  if (!field) return reader.was_given("sha256") ? std::nullopt : std::optional(std::string());
  auto digest = reader.text("sha256");
  if (!digest) return std::nullopt;
  for (auto& c : *digest) c = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  const bool is_one = digest->size() == kDigestDigits &&
                      digest->find_first_not_of("0123456789abcdef") == std::string::npos;
  if (is_one) return digest;
  context_.error(field->value->spot, "bad-value",
                 "'" + shown(*digest) + "' is no SHA-256, which has 64 hexadecimal digits",
                 "as  sha256sum FILE  prints it");
  return std::nullopt;
}

void InstanceReader::read_isolation(const Reader& reader, deliver::HandlerOptions& options) {
  const auto isolation =
      reader.available("isolation", {{"inline", "thread", "process"}, {}, "isolation", ""});
  if (isolation) options.placement = placement_called(*isolation);
  read_limits(reader, options);
  if (!isolation) return;
  const auto& spot = reader.find("isolation")->value->spot;
  const bool may_block = options.plugin && placement_wanted(options) != STANDPIPE_INLINE;
  if (*isolation == "inline" && may_block)
    context_.error(spot, "may-block",
                   "plugin '" + options.plugin->name +
                       "' may block, and 'inline' would stop the whole hub with it",
                   "use thread, or leave it out");
}

// What only a process of its own can have.
void InstanceReader::read_limits(const Reader& reader, deliver::HandlerOptions& options) {
  options.memory_max =
      reader.size("memory_max", size_text(kHandlerMemoryLeast), size_text(kHandlerMemoryMost))
          .value_or(0);
  options.user = reader.text("user").value_or("");
  if (!options.plugin || options.where() == deliver::Placement::process) return;
  for (const auto* key : {"memory_max", "user"})
    if (const auto* unused = reader.find(key); unused && plugins_.loads())
      context_.error(unused->key, "unused-key",
                     "'" + unused->name + "' is for a " + std::string(name_of(role_)) +
                         " that has a process of its own",
                     "add isolation: process, or remove it");
}

void InstanceReader::read_backoff(const Field& field, const std::string& of,
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

}  // namespace standpipe::config
