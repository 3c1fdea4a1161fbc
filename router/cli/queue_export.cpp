// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/failure.h"
#include "base/opening.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/queue_files.h"
#include "cli/show.h"
#include "log/meta_block.h"

namespace standpipe::cli {
namespace {

using deliver::SavedFile, deliver::SavedReader;

std::string_view text_in(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// As text, or in base64 where that is impossible: "text":"..."
std::string value_json(std::string_view name, std::string_view value) {
  if (is_utf8(value)) return json_string(name) + ":" + json_string(value);
  return json_string(std::string(name) + "_base64") + ":\"" + base64(value) + '"';
}

std::string meta_json(std::span<const std::byte> fields) {
  std::vector<std::string> pairs;
  log::FieldReader in(fields);
  while (const auto field = in.next())
    pairs.push_back(value_json(field->name, text_in(field->value)));
  return "{" + joined(pairs, ",") + "}";
}

std::string line_of(const SavedFile& file, const deliver::SavedMessage& message) {
  std::vector<std::string> handlers;
  for (const auto& handler : message.handlers) handlers.push_back(json_string(handler));
  return "{\"source\":" + json_string(file.source) + ",\"handlers\":[" + joined(handlers, ",") +
         "],\"sequence\":" + std::to_string(message.sequence) +
         ",\"accepted_ns\":" + std::to_string(message.accepted_ns) +
         ",\"meta\":" + meta_json(message.fields) + "," +
         value_json("payload", text_in(deliver::payload_of(message))) + "}\n";
}

// A new file of the user's; one that is there is not written over.
Fd new_file(const std::string& path) {
  struct stat there {};
  if (::lstat(path.c_str(), &there) == 0)
    throw Failure(escaped(path) + " is there already", "name another file, or remove it");
  return fd_of(paths::open_or_create(path, O_WRONLY, 0600));
}

Status export_queues(const Arguments& arguments, Streams& streams) {
  const bool lines = arguments.text("format").value_or("frames") == "jsonl";
  const auto to = arguments.text("to");
  if (!to && !lines && streams.out.is_terminal())
    throw WrongUsage("frames are bytes for programs, and not for a terminal",
                     "--to FILE, --format jsonl, or a pipe");
  const auto folder = data_dir_of(arguments, streams);
  if (!folder) return Status::wrong_configuration;
  std::optional<Fd> file;
  std::optional<StandardOutput> written;
  if (to) written.emplace(file.emplace(new_file(*to)).get());
  auto& out = written ? *written : streams.out;
  std::uint64_t messages = 0;
  const bool is_sound =
      each_message(*folder, arguments, streams, [&](const auto& from, const auto& message) {
        ++messages;
        if (lines)
          out.write(line_of(from, message));
        else
          out.write(text_in(message.frame));
        return true;
      });
  out.flush();
  if (file && ::fsync(file->get()) != 0 && errno != EINVAL)
    throw Failure::system("sync " + *to, errno);
  streams.err.info(counted(messages, "message") + (to ? " in " + escaped(*to) : " written"));
  return is_sound ? Status::done : Status::failed;
}

}  // namespace

Command queue_export_command() {
  return {.name = "queue export",
          .summary = "writes the messages that wait on the disk to a file",
          .examples = {{"standpipe queue export orders.yaml --to waiting.frames",
                        "frames, each behind its length, as they were in the FIFO"},
                       {"standpipe queue export orders.yaml --format jsonl | jq .payload",
                        "a line of JSON each, with what is known of the message"}},
          .description =
              "The messages stay where they are, and a hub that starts delivers them: move\n"
              "its files away before you send them to it again. What is damaged is passed\n"
              "over and named, and the status is 1 then.\n"
              "\n"
              "A line of jsonl has source, handlers, sequence, accepted_ns (since 1970), meta\n"
              "and payload; a value that is not UTF-8 is called NAME_base64.",
          .operands = {{.name = "CONFIG", .required = false}},
          .options = with_filter_options({{.name = "to",
                                           .letter = 'o',
                                           .kind = Kind::file,
                                           .value = "FILE",
                                           .summary = "a new file; default: standard output"},
                                          {.name = "format",
                                           .letter = 'f',
                                           .kind = Kind::choice,
                                           .value = "F",
                                           .summary = "frames (default) or jsonl",
                                           .choices = {"frames", "jsonl"}}}),
          .run = export_queues};
}

}  // namespace standpipe::cli
