// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <optional>
#include <standpipe/plugin.hpp>

#include "common/error_text.h"
#include "common/fields.h"
#include "common/json.h"
#include "common/rfc3339.h"
#include "common/show.h"
#include "common/spool.h"
#include "common/template.h"

namespace {

using common::Template;

enum class Format { text, hex, json, raw };

Format format_of(const std::string& name) {
  if (name == "hex") return Format::hex;
  if (name == "json") return Format::json;
  return name == "raw" ? Format::raw : Format::text;
}

// A newline is added to a template that does not end in one, because a message a line is what
// everybody means.
Template line_template(std::string_view text) {
  using Part = Template::Part;
  Template line(text, {"template",
                       {Part::source, Part::sequence, Part::time, Part::size, Part::payload,
                        Part::json, Part::meta}});
  const auto& pieces = line.pieces();
  const bool ends_a_line =
      !pieces.empty() && pieces.back().part == Part::literal && pieces.back().text.ends_with('\n');
  if (!ends_a_line) line.add_literal("\n");
  return line;
}

// Several print handlers, each in a thread of its own, share the process's two streams: a message
// of one must not end up inside a message of another, and the kernel keeps only small writes apart.
std::mutex& turn_on(int fd) {
  static std::mutex turns[2];
  return turns[fd == STDERR_FILENO];
}

// Shows messages on standard output or error. A batch is gathered and written whole; when a write
// fails halfway, the messages that are all out are settled, and only the others are redelivered.
class Print {
 public:
  static void describe(standpipe::Description& d);
  explicit Print(const standpipe::Options& options);
  void open();
  void handle(standpipe::Batch& batch);

 private:
  void show(const standpipe::Message& message);
  void show_piece(const Template::Piece& piece, const standpipe::Message& message);
  void show_text(std::string_view text);
  void show_dump(const standpipe::Message& message);
  [[noreturn]] void give_up(int error) const;

  Format format_;
  std::optional<Template> template_;  // none: format hex as a dump
  common::Fields fields_;
  std::string stream_;
  int fd_;
  bool is_terminal_ = false;
  common::Spool out_;
  common::JsonLines json_;
};

Print::Print(const standpipe::Options& options)
    : format_(format_of(options.text("format"))),
      stream_(options.text("stream") == "stderr" ? "standard error" : "standard output"),
      fd_(options.text("stream") == "stderr" ? STDERR_FILENO : STDOUT_FILENO) {
  const bool shapes_lines = format_ == Format::text || format_ == Format::hex;
  if (options.has("template") && !shapes_lines)
    throw standpipe::fatal("template: only formats text and hex have one, not " +
                           options.text("format"));
  if (options.has("template"))
    template_ = line_template(options.text("template"));
  else if (format_ != Format::hex)
    template_ = line_template("{payload}");
}

void Print::open() {
  if (::fcntl(fd_, F_GETFD) < 0)
    throw standpipe::fatal(stream_ + " is closed: start the hub with one, or remove this handler");
  is_terminal_ = ::isatty(fd_) == 1;
}

void Print::handle(standpipe::Batch& batch) {
  const std::lock_guard turn(turn_on(fd_));
  out_.begin(fd_);
  try {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      show(batch[i]);
      out_.end_record();
    }
    out_.flush();
  } catch (const common::WriteFailed& failure) {
    batch.stop_at(out_.records_written());
    give_up(failure.error);
  }
}

void Print::show(const standpipe::Message& message) {
  if (format_ == Format::json) return json_.append(out_, message);
  if (format_ == Format::raw && !is_terminal_) return out_.append(message.text());
  if (!template_) return show_dump(message);
  fields_.look_at(message);
  for (const auto& piece : template_->pieces()) show_piece(piece, message);
}

void Print::show_piece(const Template::Piece& piece, const standpipe::Message& message) {
  if (piece.part == Template::Part::literal) return out_.append(piece.text);
  if (piece.part == Template::Part::payload && format_ == Format::hex)
    return common::show_hex(out_, message.text());
  if (const auto text = fields_.text(piece)) show_text(*text);
}

void Print::show_text(std::string_view text) {
  if (is_terminal_) return common::show_escaped(out_, text);
  out_.append(text);
}

void Print::show_dump(const standpipe::Message& message) {
  show_text(message.source());
  out_.append(" " + std::to_string(message.sequence()) + " " + common::rfc3339(message.time()) +
              " " + std::to_string(message.size()) +
              (message.size() == 1 ? " byte\n" : " bytes\n"));
  common::show_hex_dump(out_, message.text());
}

void Print::give_up(int error) const {
  if (error == EPIPE)
    throw standpipe::fatal("nobody reads " + stream_ + " any more: " + common::error_text(error));
  if (error == EBADF) throw standpipe::fatal(stream_ + " is closed");
  throw standpipe::disconnected("cannot write to " + stream_ + ": " +
                                common::error_text(error));  // a full disk, a terminal that hung up
}

void Print::describe(standpipe::Description& d) {
  d.name("print").version("1.0").summary("shows messages on standard output or error");
  d.documentation(
      "text   the payload and a newline. A terminal gets it escaped (\\n, \\x1b, \\xff; a\n"
      "       backslash is doubled), so that a message cannot rewrite the operator's screen. A\n"
      "       file or a pipe gets the payload's bytes as they are.\n"
      "hex    a line with source, sequence, time and size, then 16 bytes a line, as numbers and\n"
      "       as text.\n"
      "json   one object a line: source, sequence, time, size, metadata as \"meta\" if the\n"
      "       message has any, and the payload as \"text\", or as \"base64\" when it is not "
      "UTF-8.\n"
      "raw    the payload's bytes and nothing between them. On a terminal this is the same as\n"
      "       text.\n"
      "\n"
      "A template shapes the lines of text and hex: {source}, {sequence}, {time}, {size} and\n"
      "{payload} are replaced by those of the message. The time is UTC\n"
      "(2024-05-01T12:00:00.250Z). {json:/device/id} is what the payload has at that JSON\n"
      "pointer, {meta:NAME} is metadata that the source gave the message; both may have a\n"
      "default after a bar: {json:/device|unknown}. A missing value without a default is\n"
      "nothing. {{ and }} are braces. A newline is added unless the template ends in one. With\n"
      "hex, {payload} is the bytes on one line: 68 65 6c 6c 6f.\n"
      "\n"
      "When the disk is full or the terminal is lost, the handler waits and tries again. When\n"
      "the pipe is closed, the handler is held, because its reader will not come back. A\n"
      "message that was written whole is not repeated; one that was interrupted comes again\n"
      "whole.");
  d.option("format")
      .one_of({"text", "hex", "json", "raw"})
      .fallback("text")
      .summary("how a message is shown");
  d.option("stream").one_of({"stdout", "stderr"}).fallback("stdout").summary("where it is shown");
  d.option("template")
      .text()
      .example("\"{time} {source}: {payload}\"")
      .summary("the line's shape, for text and hex");
}

}  // namespace

STANDPIPE_PLUGIN(Print)
