// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <standpipe/wire.h>

#include <standpipe/open.hpp>
#include <string>

#include "base/failure.h"
#include "base/opening.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/letters.h"
#include "cli/progress.h"

namespace standpipe::cli {
namespace {

std::string frame_of(std::string_view payload) {
  std::uint8_t header[STANDPIPE_WIRE_HEADER_BYTES];
  standpipe_wire_put_length(header, static_cast<std::uint32_t>(payload.size()));
  return std::string(reinterpret_cast<const char*>(header), sizeof header).append(payload);
}

// A file of a person's own that is there is not overwritten.
Fd make_file(const std::string& path) {
  const paths::Entry entry(path);
  if (!entry) throw failure_of(entry.problem());
  auto opened = entry.create(O_WRONLY | O_EXCL, 0600);
  if (!opened && opened.problem().error == EEXIST)
    throw Failure(path + " is there already", "name another file, or remove it");
  return fd_of(std::move(opened));
}

Status export_letters(const Arguments& arguments, Streams& streams) {
  const auto& path = arguments.operands()[0];
  const auto filter = letter_filter(arguments);
  const bool as_frames = arguments.text("format").value_or("frames") == "frames";
  deliver::DeadLetterReader reader(letters_folder(arguments, streams, 1));
  const auto file = path == "-" ? Fd() : make_file(path);
  StandardOutput to_file(file ? file.get() : streams.out.fd());
  auto& out = file ? to_file : streams.out;
  if (!file && as_frames && out.is_terminal())
    throw WrongUsage("frames are nothing for a terminal", "--format jsonl, or into a file or pipe");
  std::uint64_t letters = 0, bytes = 0;
  LetterNames names;
  {
    Progress progress(streams.err, std::nullopt, SystemClock().steady(), "exported");
    while (const auto letter = reader.next()) {
      names.add(*letter);
      if (!filter.has(*letter)) continue;
      out.write(as_frames ? frame_of(payload_of(*letter))
                          : letter_json(*letter, WithPayload::base64));
      bytes += letter->payload.size();
      progress.at(++letters, SystemClock().steady());
    }
    out.flush();
  }
  const bool is_sound = report_unreadable(reader, streams);
  streams.err.info("exported " + counted(letters, "dead letter") + ", " + counted(bytes, "byte") +
                   (file ? ", to " + path : "") + (letters == 0 ? names.unknown(filter) : ""));
  return is_sound ? Status::done : Status::failed;
}

}  // namespace

Command dead_export_command() {
  return {.name = "dead export",
          .summary = "copies dead letters into a file",
          .examples = {{"standpipe dead export letters.bin --handler billing",
                        "as frames, which `standpipe send --file` does not wrap again"},
                       {"standpipe dead export letters.jsonl --format jsonl",
                        "a JSON object a line: all that is known of each, and its payload"}},
          .description =
              "frames are the messages as they were on the wire: a length of 4 bytes, little\n"
              "endian, and the payload, ready to be written into a source's FIFO. jsonl has an\n"
              "object a letter, with the payload in base64. FILE must not exist; - is standard\n"
              "output. The letters stay where they are.",
          .operands = {{.name = "FILE"}, {.name = "CONFIG", .required = false}},
          .options = letter_options({{.name = "format",
                                      .letter = 'f',
                                      .kind = Kind::choice,
                                      .value = "F",
                                      .summary = "frames (default), jsonl",
                                      .choices = {"frames", "jsonl"}}}),
          .run = export_letters};
}

}  // namespace standpipe::cli
