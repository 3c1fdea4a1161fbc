// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string>
#include <string_view>

#include "cli/command.h"
#include "cli/queue_files.h"
#include "cli/show.h"

namespace standpipe::cli {
namespace {

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Format shown_format(const Arguments& arguments) {
  const auto name = arguments.text("format").value_or("text");
  if (name == "hex") return Format::hex;
  if (name == "json") return Format::json;
  return name == "raw" ? Format::raw : Format::text;
}

Status cat_queues(const Arguments& arguments, Streams& streams) {
  const auto folder = data_dir_of(arguments, streams);
  if (!folder) return Status::wrong_configuration;
  const auto format = shown_format(arguments);
  const auto most = arguments.count("count").value_or(~std::uint64_t{0});
  std::uint64_t shown = 0;
  const bool is_sound =
      each_message(*folder, arguments, streams,
                   [&](const deliver::SavedFile&, const deliver::SavedMessage& message) {
                     show_payload(streams.out, as_text(deliver::payload_of(message)), format);
                     return ++shown < most;
                   });
  streams.out.flush();
  return is_sound ? Status::done : Status::failed;
}

}  // namespace

Command queue_cat_command() {
  return {.name = "queue cat",
          .summary = "prints the messages that wait on the disk",
          .examples = {{"standpipe queue cat orders.yaml", "all of them, a line each"},
                       {"standpipe queue cat orders.yaml --handler billing --count 5 --format hex",
                        "the first five that wait for billing"}},
          .description =
              "Messages come file by file, of each source and handler in the order in which\n"
              "they will be delivered. They stay where they are. What is damaged is passed\n"
              "over and named, and the status is 1 then.\n"
              "On a terminal, text is escaped as `recv` does.",
          .operands = {{.name = "CONFIG", .required = false}},
          .options = with_filter_options({{.name = "count",
                                           .letter = 'n',
                                           .kind = Kind::count,
                                           .value = "N",
                                           .summary = "end after N messages"},
                                          {.name = "format",
                                           .letter = 'f',
                                           .kind = Kind::choice,
                                           .value = "F",
                                           .summary = "text (default; a line each), hex, json "
                                                      "(size, text or base64), raw (nothing added)",
                                           .choices = {"text", "hex", "json", "raw"}}}),
          .run = cat_queues};
}

}  // namespace standpipe::cli
