// SPDX-License-Identifier: Apache-2.0
#include <poll.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "cli/command.h"
#include "cli/fifo_writer.h"
#include "cli/limit.h"
#include "cli/message_source.h"
#include "cli/pacer.h"
#include "cli/progress.h"

namespace standpipe::cli {
namespace {

constexpr const char* kFraming = "length_prefixed";
const std::vector<std::string> kLaterFramings = {"lines", "delimited", "netstring", "sealed"};

void check_framing(const Arguments& arguments) {
  const auto framing = arguments.text("framing").value_or(kFraming);
  if (framing == kFraming) return;
  if (std::find(kLaterFramings.begin(), kLaterFramings.end(), framing) != kLaterFramings.end())
    throw WrongUsage("framing '" + framing + "' is not available in this version",
                     std::string("only ") + kFraming + " is");
  throw WrongUsage("unknown framing '" + escaped(framing) + "'",
                   std::string("only ") + kFraming + " is available in this version");
}

// What was given on the command line must not be sent in part.
void check_sizes(const std::vector<std::string>& messages, std::uint64_t most) {
  for (std::size_t i = 0; i < messages.size(); ++i)
    if (messages[i].size() > most)
      throw Failure("message " + std::to_string(i + 1) + " has " +
                        counted(messages[i].size(), "byte") + ", the limit is " + thousands(most) +
                        "; nothing was sent",
                    "--max-message-size raises the limit here; the hub has its own: framing: { "
                    "max_message_size: }");
}

std::unique_ptr<MessageSource> source_of(const Arguments& arguments, Streams& streams,
                                         std::uint64_t most) {
  std::vector<std::string> messages(arguments.operands().begin() + 1, arguments.operands().end());
  const auto file = arguments.text("file");
  const auto rounds = arguments.count("count");
  if (file && !messages.empty())
    throw WrongUsage("messages come from the command line or from --file, not from both",
                     "leave one out");
  if (file) messages.push_back(whole_file(*file, streams.in, most));
  if (!messages.empty()) {
    check_sizes(messages, most);
    return std::make_unique<GivenMessages>(std::move(messages), rounds.value_or(1));
  }
  if (rounds)
    throw WrongUsage(
        "--count repeats messages of the command line or of --file; lines of standard input come "
        "once",
        "give the message after the FIFO, or use --file -");
  if (::isatty(streams.in) && streams.err.is_terminal() && !arguments.has("quiet"))
    streams.err.info("each line that you type is a message; Ctrl-D ends");
  return std::make_unique<LineMessages>(streams.in, most);
}

// A refused line does not cost the lines before it.
MessageSource::Next next_of(MessageSource& source, FifoWriter& writer) try {
  return source.next();
} catch (const Failure& failure) {
  (void)writer.flush();
  throw Failure(std::string(failure.what()) + " (before it: " + writer.summary() + ')',
                failure.help());
}

// One after the other, at the rate that was asked for. false: interrupted.
bool send_all(MessageSource& source, FifoWriter& writer, Interruption& interruption, Pacer pacer,
              Progress& progress) {
  for (;;) {
    switch (next_of(source, writer)) {
      case MessageSource::Next::end:
        return writer.flush();
      case MessageSource::Next::wait:
        if (!writer.flush()) return false;
        if (wait_for(source.fd(), POLLIN, interruption, std::nullopt) == Waited::interrupted)
          return false;
        continue;
      case MessageSource::Next::message:
        break;
    }
    const auto now = steady_now();
    const auto due = pacer.next(now);
    if (due > now) {
      if (!writer.flush()) return false;
      if (wait_for(-1, 0, interruption, due) == Waited::interrupted) return false;
    }
    if (!writer.add(source.payload())) return false;
    progress.at(writer.messages(), now);
  }
}

Status send(const Arguments& arguments, Streams& streams) {
  check_framing(arguments);
  const auto most = message_size_limit(arguments);
  const auto source = source_of(arguments, streams, most);
  Interruption interruption;
  FifoWriter writer({arguments.operands()[0], most, arguments.duration("timeout")}, interruption);
  Progress progress(streams.err, source->total(), steady_now());
  const auto say = [&](const std::string& text) {
    progress.clear();
    if (!arguments.has("quiet")) streams.err.print(text + '\n');
  };
  try {
    const bool all =
        send_all(*source, writer, interruption, Pacer(arguments.rate("rate")), progress);
    say((all ? "" : "interrupted: ") + writer.summary());
    return all ? Status::done : Status::failed;
  } catch (const Failure&) {
    progress.clear();
    throw;
  }
}

}  // namespace

Command send_command() {
  return {
      .name = "send",
      .summary = "puts messages into a FIFO, as frames",
      .examples = {{"standpipe send /run/standpipe/orders '{\"type\":\"order\"}'", "one message"},
                   {"seq 1000 | standpipe send /run/standpipe/orders", "each line is a message"},
                   {"standpipe send /run/standpipe/orders --file photo.jpg",
                    "a whole file is one message"},
                   {"standpipe send /run/standpipe/orders ping --count 60 --rate 1/s",
                    "once a second for a minute"}},
      .description =
          "Each message becomes a frame: its length in 4 bytes, little endian, then the\n"
          "payload. Other writers may send into the FIFO at the same time: no frame is\n"
          "mixed with another. When the FIFO is full, the command waits for room. When no\n"
          "hub reads the FIFO, it ends at once, unless --timeout says how long to wait\n"
          "for one. Ctrl-C ends it between two frames; a second Ctrl-C ends it at once.",
      .operands = {{.name = "FIFO"},
                   {.name = "MESSAGE", .required = false, .repeated = true, .kind = Kind::text}},
      .options =
          {{.name = "file",
            .letter = 'f',
            .kind = Kind::file,
            .value = "F",
            .summary = "send the content of F as one message; - is standard input"},
           {.name = "count",
            .letter = 'n',
            .kind = Kind::count,
            .value = "N",
            .summary = "send the messages N times"},
           {.name = "rate",
            .letter = 'r',
            .kind = Kind::rate,
            .value = "R/s",
            .summary = "at most so many messages a second: 10/s, 0.5/s, 20k/s"},
           {.name = "timeout",
            .letter = 't',
            .kind = Kind::duration,
            .value = "D",
            .summary =
                "how long to wait for a hub that starts (else not), and for room (else for ever)"},
           {.name = "max-message-size",
            .kind = Kind::size,
            .value = "S",
            .summary = "refuse larger messages; default 16MiB, at most 1GiB"},
           {.name = "framing",
            .kind = Kind::text,
            .value = "TYPE",
            .summary = "how frames lie in the FIFO; this version has length_prefixed"},
           {.name = "quiet", .letter = 'q', .summary = "do not say how much was sent"}},
      .run = send};
}

}  // namespace standpipe::cli
