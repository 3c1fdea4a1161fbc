// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/binary_text.h"
#include "base/failure.h"
#include "base/limits.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/configuration.h"
#include "cli/explain_report.h"
#include "cli/message_source.h"
#include "rehearsal/rehearsal.h"
#include "rehearsal/stream.h"

namespace standpipe::cli {
namespace {

// Bytes of a FIFO that are explained at once, unless one message of the source may have more.
constexpr std::uint64_t kStreamMax = 64 * MiB;

std::size_t source_of(const std::vector<std::string>& names, const std::string& given) {
  const auto found = std::find(names.begin(), names.end(), given);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  const auto near = nearest(given, names);
  throw WrongUsage(
      "unknown source " + quoted(given),
      (near ? "did you mean '" + *near + "'? " : "") + ("(sources: " + joined(names, ", ") + ')'));
}

// A handler is meant by name only.
std::vector<std::size_t> sources_of(const config::HubOptions& hub,
                                    const std::vector<std::string>& given) {
  std::vector<std::string> names;
  for (const auto& source : hub.sources)
    if (!given.empty() || source.origin != source::Origin::handler) names.push_back(source.name);
  if (given.empty() && names.size() == 1) return {0};
  if (given.empty())
    throw WrongUsage("say where the message comes in",
                     "--source NAME (sources: " + joined(names, ", ") + ')');
  std::vector<std::size_t> sources;
  for (const auto& name : given) sources.push_back(source_of(names, name));
  return sources;
}

void check_usage(const Arguments& arguments) {
  const auto given = int{arguments.operands().size() > 1} +
                     int{arguments.text("file").has_value()} +
                     int{arguments.text("hex").has_value()};
  if (given != 1)
    throw WrongUsage("one message is explained: MESSAGE, --file or --hex",
                     "MESSAGE - is standard input");
}

// What a file has, but not more of it than the source, whose messages may be the largest of those
// that were asked for, could make sense of.
std::string content_of(const std::string& file, int standard_input,
                       const source::SourceOptions& source, bool is_raw) {
  const auto most =
      is_raw ? std::max(kStreamMax, 2 * source.message_size_max) : source.message_size_max;
  auto content = file_up_to(file, standard_input, most);
  if (content) return std::move(*content);
  const auto name = file == "-" ? std::string("standard input") : file;
  if (is_raw)
    throw Failure(name + " has more than " + counted(most, "byte") +
                      ", and that is as much of a FIFO as is explained at once",
                  "explain a part of it: head -c " + std::to_string(most) + " | standpipe explain");
  throw Failure(name + " has more than " + counted(most, "byte") +
                    ": as a message it is too large for source " + quoted(source.name),
                "the source's limit is framing: { max_message_size: }; with --raw the file has "
                "frames, as a FIFO");
}

std::string bytes_of(const Arguments& arguments, Streams& streams,
                     const source::SourceOptions& source) {
  const auto& operands = arguments.operands();
  const auto file = arguments.text("file"), hex = arguments.text("hex");
  const bool is_raw = arguments.has("raw");
  if (file) return content_of(*file, streams.in, source, is_raw);
  if (!hex && operands[1] == "-") return content_of("-", streams.in, source, is_raw);
  if (!hex) return operands[1];
  auto bytes = parse_hex(*hex);
  if (!bytes) throw WrongUsage(quoted(*hex) + " is not hex", "two digits a byte: 68 65 6c 6c 6f");
  return std::move(*bytes);
}

rehearsal::Metadata metadata_of(const Arguments& arguments) {
  rehearsal::Metadata meta;
  for (const auto& pair : arguments.texts("meta")) {
    const auto equals = pair.find('=');
    if (equals == std::string::npos || equals == 0)
      throw WrongUsage("--meta " + quoted(pair) + " names nothing", "as in  --meta topic=orders");
    meta.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
  }
  return meta;
}

void check_frames(const source::SourceOptions& source) {
  if (source.origin != source::Origin::fifo)
    throw WrongUsage("source " + quoted(source.name) + " is no FIFO, so there are no frames in it",
                     "leave out --raw: what is given is one message");
}

// What becomes of the content in one source. false: a part of it is no message.
bool explain_in(std::size_t source, const std::string& content, rehearsal::Rehearsal& rehearsal,
                const Arguments& arguments, Streams& streams) {
  const auto& hub = rehearsal.hub();
  const bool raw = arguments.has("raw"), json = arguments.has("json");
  const auto bytes = raw ? content : rehearsal.framed(source, content);
  const auto stream = rehearsal::read_stream(rehearsal.codec(source), bytes);
  const auto meta = metadata_of(arguments);
  for (const auto& message : stream.messages) {
    const auto explanation = rehearsal.explain(source, message.payload, meta);
    if (raw && !json) streams.out.write("frame at byte " + thousands(message.offset + 1) + '\n');
    streams.out.write(json ? explanation_json(hub, source, explanation, message.offset)
                           : explanation_text(hub, source, explanation));
  }
  if (stream.fault)
    streams.out.write(json ? fault_json(hub, source, *stream.fault)
                           : fault_lines(hub, source, *stream.fault));
  if (bytes.empty()) streams.err.info("there are no bytes, so there is no message");
  return !stream.fault;
}

Status explain(const Arguments& arguments, Streams& streams) {
  check_usage(arguments);
  (void)metadata_of(arguments);  // its mistakes are told before all others
  plugin::Registry plugins(plugin_folders(arguments));
  const auto hub = load_configuration(arguments, streams, plugins);
  if (!hub) return Status::wrong_configuration;
  const auto sources = sources_of(*hub, arguments.texts("source"));
  if (arguments.has("raw"))
    for (const auto source : sources) check_frames(hub->sources[source]);
  const auto largest = std::max_element(sources.begin(), sources.end(), [&](auto a, auto b) {
    return hub->sources[a].message_size_max < hub->sources[b].message_size_max;
  });
  const auto content = bytes_of(arguments, streams, hub->sources[*largest]);
  rehearsal::Rehearsal rehearsal(*hub);
  bool all_sound = true;
  for (const auto source : sources)
    all_sound = explain_in(source, content, rehearsal, arguments, streams) && all_sound;
  return all_sound ? Status::done : Status::failed;
}

}  // namespace

Command explain_command() {
  return {
      .name = "explain",
      .summary = "says where a message would go, and why",
      .examples = {{"standpipe explain orders.yaml --source orders '{\"amount\":12}'",
                    "each route in order: whether it takes it, and the first thing that decides"},
                   {"standpipe explain orders.yaml --source orders --raw --file captured.bin",
                    "what the framing makes of the bytes of a FIFO"}},
      .description =
          "Shows what the routes of a source say to a message: `yes`, `no` with the condition\n"
          "that decided and the value it saw, and the handlers that get it. Nothing outside\n"
          "is touched. With --raw the bytes are those that lie in a FIFO, frames and all; the\n"
          "status is 1 when a part of them is no message.",
      .operands = {{.name = "CONFIG"}, {.name = "MESSAGE", .required = false, .kind = Kind::text}},
      .options = {plugins_option(),
                  {.name = "source",
                   .letter = 's',
                   .kind = Kind::text,
                   .value = "NAME",
                   .summary =
                       "where it comes in, or a handler that emits it; may be given several times",
                   .repeatable = true},
                  {.name = "file",
                   .letter = 'f',
                   .kind = Kind::file,
                   .value = "F",
                   .summary = "the content of F is the message; - is standard input"},
                  {.name = "hex",
                   .kind = Kind::text,
                   .value = "H",
                   .summary = "the message as hexadecimal digits, two a byte"},
                  {.name = "raw",
                   .summary = "what is given are bytes of the FIFO, with their frames"},
                  {.name = "meta",
                   .kind = Kind::text,
                   .value = "NAME=VALUE",
                   .summary = "what the source knows of the message; may be given several times",
                   .repeatable = true},
                  {.name = "json", .summary = "JSON on standard output, an object a message"}},
      .run = explain};
}

}  // namespace standpipe::cli
