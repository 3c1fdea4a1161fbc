// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <optional>
#include <standpipe/plugin.hpp>

#include "common/error_text.h"
#include "common/json.h"
#include "common/rfc3339.h"
#include "common/show.h"
#include "common/spool.h"
#include "template.h"

namespace {

enum class Format { text, hex, json, raw };

Format format_of(const std::string& name) {
  if (name == "hex") return Format::hex;
  if (name == "json") return Format::json;
  return name == "raw" ? Format::raw : Format::text;
}

// Several print handlers, each in a thread of its own, share the process's two streams: a message of one must not end up inside a
// message of another, and the kernel keeps only small writes apart.
std::mutex& turn_on(int fd) {
  static std::mutex turns[2];
  return turns[fd == STDERR_FILENO];
}

// Shows messages on standard output or error. A batch is gathered and written whole; when a write fails halfway, the messages that
// are all out are settled, and only the others come again.
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
  std::string stream_;
  int fd_;
  bool is_terminal_ = false;
  common::Spool out_;
};

Print::Print(const standpipe::Options& options)
    : format_(format_of(options.text("format"))),
      stream_(options.text("stream") == "stderr" ? "standard error" : "standard output"),
      fd_(options.text("stream") == "stderr" ? STDERR_FILENO : STDOUT_FILENO) {
  const bool shapes_lines = format_ == Format::text || format_ == Format::hex;
  if (options.has("template") && !shapes_lines)
    throw standpipe::fatal("template: only formats text and hex have one, not " + options.text("format"));
  if (options.has("template"))
    template_.emplace(options.text("template"));
  else if (format_ != Format::hex)
    template_.emplace("{payload}");
}

void Print::open() {
  if (::fcntl(fd_, F_GETFD) < 0) throw standpipe::fatal(stream_ + " is closed: start the router with one, or remove this handler");
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
  if (format_ == Format::json) return common::append_json(out_, message);
  if (format_ == Format::raw && !is_terminal_) return out_.append(message.text());
  if (!template_) return show_dump(message);
  for (const auto& piece : template_->pieces()) show_piece(piece, message);
}

void Print::show_piece(const Template::Piece& piece, const standpipe::Message& message) {
  switch (piece.part) {
    case Template::Part::literal:
      return out_.append(piece.text);
    case Template::Part::source:
      return show_text(message.source());
    case Template::Part::sequence:
      return out_.append(std::to_string(message.sequence()));
    case Template::Part::time:
      return out_.append(common::rfc3339(message.time()));
    case Template::Part::size:
      return out_.append(std::to_string(message.size()));
    case Template::Part::payload:
      break;
  }
  if (format_ == Format::hex) return common::show_hex(out_, message.text());
  show_text(message.text());
}

void Print::show_text(std::string_view text) {
  if (is_terminal_) return common::show_escaped(out_, text);
  out_.append(text);
}

void Print::show_dump(const standpipe::Message& message) {
  show_text(message.source());
  out_.append(" " + std::to_string(message.sequence()) + " " + common::rfc3339(message.time()) + " " +
              std::to_string(message.size()) + (message.size() == 1 ? " byte\n" : " bytes\n"));
  common::show_hex_dump(out_, message.text());
}

void Print::give_up(int error) const {
  if (error == EPIPE) throw standpipe::fatal("nobody reads " + stream_ + " any more: " + common::error_text(error));
  if (error == EBADF) throw standpipe::fatal(stream_ + " is closed");
  throw standpipe::disconnected("cannot write to " + stream_ + ": " +
                                common::error_text(error));  // a full disk, a terminal that hung up
}

void Print::describe(standpipe::Description& d) {
  d.name("print").version("1.0").summary("shows messages on standard output or error");
  d.documentation(
      "text   the payload and a newline. On a terminal it is escaped (\\n, \\x1b, \\xff; a backslash is doubled), because a "
      "message must\n"
      "       not rewrite the operator's screen. Into a file or a pipe the payload's bytes go as they are.\n"
      "hex    a line with source, sequence, time and size, then 16 bytes a line as numbers and as text.\n"
      "json   an object a line: source, sequence, time, size, and the payload as \"text\", or as \"base64\" when it is not UTF-8.\n"
      "raw    the payload's bytes and nothing between them. On a terminal it is the same as text.\n"
      "\n"
      "A template shapes the lines of text and hex. {source} {sequence} {time} {size} {payload} stand for the message's own; time "
      "is UTC\n"
      "(2024-05-01T12:00:00.250Z); {{ and }} are braces; a newline is added unless the template ends in one. With hex, {payload}\n"
      "is the bytes on one line: 68 65 6c 6c 6f.\n"
      "\n"
      "A full disk or a lost terminal makes the handler wait and try again. A closed pipe holds it: its reader will not come "
      "back.\n"
      "Messages that were written whole are not repeated; one that was cut in the middle comes again whole.");
  d.option("format").one_of({"text", "hex", "json", "raw"}).fallback("text").summary("how a message is shown");
  d.option("stream").one_of({"stdout", "stderr"}).fallback("stdout").summary("where it is shown");
  d.option("template").text().example("\"{time} {source}: {payload}\"").summary("the line's shape, for text and hex");
}

}  // namespace

STANDPIPE_PLUGIN(Print)
