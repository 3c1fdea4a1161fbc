// SPDX-License-Identifier: Apache-2.0
#include "cli/receiver.h"

#include "base/text.h"
#include "cli/command.h"
#include "cli/limit.h"

namespace standpipe::cli {
namespace {

Format format_of(const Arguments& arguments) {
  const auto name = arguments.text("format").value_or(arguments.has("json") ? "json" : "text");
  if (arguments.has("json") && name != "json")
    throw WrongUsage("--json and --format " + name + " contradict each other", "leave one out");
  if (name == "hex") return Format::hex;
  if (name == "json") return Format::json;
  return name == "raw" ? Format::raw : Format::text;
}

Status receive(const Arguments& arguments, Streams& streams) {
  const Receiver::Options options{.path = arguments.operands()[0],
                                  .payload_max = message_size_limit(arguments),
                                  .format = format_of(arguments),
                                  .count = arguments.count("count"),
                                  .timeout = arguments.duration("timeout"),
                                  .shared = arguments.has("shared")};
  return Receiver(options, streams).run();
}

}  // namespace

Command recv_command() {
  return {
      .name = "recv",
      .summary = "takes frames out of a FIFO and prints the messages",
      .examples = {{"standpipe recv /run/billing/in", "prints messages as they come, until Ctrl-C"},
                   {"standpipe recv /run/billing/in --count 1 --timeout 5s",
                    "one message; status 1 when none comes in 5 s"},
                   {"standpipe recv /run/billing/in --shared --json",
                    "one of several workers: each message goes to one of them"}},
      .description =
          "Creates the FIFO when it is missing. Writers may come and go; a frame that its\n"
          "writer did not finish is reported and dropped. Ctrl-C ends the command after\n"
          "the current frame.\n"
          "\n"
          "With --count or --shared, only the frames that are printed are taken out, and\n"
          "what follows stays in the FIFO for other readers as long as somebody has it\n"
          "open. With --shared, workers take turns with a lock on the file FIFO.lock. The\n"
          "first worker creates it; it may be removed when none runs.\n"
          "\n"
          "On a terminal, text is escaped (\\n, \\x1b, a doubled backslash). In a file or\n"
          "a pipe it is written as it is.",
      .operands = {{.name = "FIFO"}},
      .options = {{.name = "count",
                   .letter = 'n',
                   .kind = Kind::count,
                   .value = "N",
                   .summary = "end after N messages"},
                  {.name = "timeout",
                   .letter = 't',
                   .kind = Kind::duration,
                   .value = "D",
                   .summary = "end when no message came for so long"},
                  {.name = "format",
                   .letter = 'f',
                   .kind = Kind::choice,
                   .value = "F",
                   .summary = "text (default; a line each), hex, json (size, text or base64), raw "
                              "(nothing added)",
                   .choices = {"text", "hex", "json", "raw"}},
                  {.name = "json", .summary = "the same as --format json"},
                  {.name = "shared", .summary = "be one of several workers on this FIFO"},
                  {.name = "max-message-size",
                   .kind = Kind::size,
                   .value = "S",
                   .summary = "larger frames are an error; default 16MiB, at most 1GiB"}},
      .run = receive};
}

}  // namespace standpipe::cli
