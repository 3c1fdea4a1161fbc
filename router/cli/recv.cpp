// SPDX-License-Identifier: Apache-2.0
#include "cli/receiver.h"

#include <string_view>

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

constexpr std::uint64_t kWorkersMost = 1024;

void refuse_lone_options(const Arguments& arguments) {
  for (const auto* option : {"workers", "attempts"})
    if (arguments.has(option) && !arguments.has("exec"))
      throw WrongUsage(std::string("--") + option + " is for --exec", "add --exec COMMAND");
  for (const auto* option : {"workers", "attempts"})
    if (arguments.count(option).value_or(1) == 0)
      throw WrongUsage(std::string("--") + option + " is at least 1", "leave it out");
  if (const auto command = arguments.text("exec"))
    (void)WorkCommand(*command);  // a mistake in it is said before there is a FIFO
  if (arguments.count("workers").value_or(1) > kWorkersMost)
    throw WrongUsage("--workers: more than " + thousands(kWorkersMost) + " are too many",
                     "about as many as there are processors are enough");
}

Status receive(const Arguments& arguments, Streams& streams) {
  refuse_lone_options(arguments);
  const Receiver::Options options{
      .path = arguments.operands()[0],
      .payload_max = message_size_limit(arguments),
      .format = format_of(arguments),
      .count = arguments.count("count"),
      .timeout = arguments.duration("timeout"),
      .shared = arguments.has("shared"),
      .exec = arguments.text("exec").value_or(""),
      .work = {.workers = arguments.count("workers").value_or(1),
               .attempts = static_cast<unsigned>(arguments.count("attempts").value_or(5))}};
  return Receiver(options, streams).run();
}

constexpr std::string_view kRecvDescription =
    "Creates the FIFO when it is missing. Writers may come and go; a frame that its\n"
    "writer did not finish is reported and dropped. Ctrl-C ends the command after\n"
    "the current frame.\n"
    "\n"
    "With --count or --shared, only the frames that are printed are taken out, and\n"
    "what follows stays in the FIFO for other readers as long as somebody has it\n"
    "open. With --shared, workers take turns with a lock on the file FIFO.lock. The\n"
    "first worker creates it; it may be removed when none runs. What a worker took is\n"
    "gone from the FIFO. If the worker is killed, what it has not written out, or\n"
    "nobody has read from its output, is lost; no other message is.\n"
    "\n"
    "With --exec, each message is the standard input of a command, or an argument of\n"
    "it where {} stands. Status 0 says that the message is done; otherwise another\n"
    "command gets it after a pause, at most --attempts times, and then it is printed.\n"
    "The command is split into words and run without a shell. A message is taken\n"
    "only when a command can be started for it; several such commands share a FIFO.\n"
    "Ctrl-C lets commands finish, twice ends them. A command that is killed costs\n"
    "nothing; if `recv` itself is killed, the messages whose commands had not ended,\n"
    "at most one for each of the --workers, are lost.\n"
    "\n"
    "Where not even that may happen, write the worker with a client library\n"
    "(standpipe_worker_receive in C, Worker in C++ and Python): what it has not\n"
    "acknowledged lies in the folder FIFO.work, and another worker gets it. Such\n"
    "workers and `recv` can share a FIFO.\n"
    "\n"
    "On a terminal, text is escaped (\\n, \\x1b, a doubled backslash). In a file or\n"
    "a pipe it is written as it is.";

}  // namespace

Command recv_command() {
  return {
      .name = "recv",
      .summary = "takes frames out of a FIFO and prints the messages",
      .examples = {{"standpipe recv /run/billing/in", "prints messages as they come, until Ctrl-C"},
                   {"standpipe recv /run/billing/in --count 1 --timeout 5s",
                    "one message; status 1 when none comes in 5 s"},
                   {"standpipe recv /run/billing/in --shared --json",
                    "one of several workers: each message goes to one of them"},
                   {"standpipe recv /run/billing/in --exec ./bill --workers 4",
                    "a command for each message, four at a time"}},
      .description = kRecvDescription,
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
                  {.name = "exec",
                   .kind = Kind::text,
                   .value = "COMMAND",
                   .summary = "run a command for each message, instead of printing it"},
                  {.name = "workers",
                   .kind = Kind::count,
                   .value = "N",
                   .summary = "so many commands at a time; default 1"},
                  {.name = "attempts",
                   .kind = Kind::count,
                   .value = "N",
                   .summary = "so many commands for a message that fails; default 5"},
                  {.name = "max-message-size",
                   .kind = Kind::size,
                   .value = "S",
                   .summary = "larger frames are an error; default 16MiB, at most 1GiB"}},
      .run = receive};
}

}  // namespace standpipe::cli
