// SPDX-License-Identifier: Apache-2.0
#include "reply_path.h"

#include <climits>

#include "common/file_name.h"

namespace {

using common::Template;
using Part = Template::Part;

[[noreturn]] void refuse(const std::string& what) { throw standpipe::fatal("fifo: " + what); }

bool is_name(std::string_view value) {
  return !value.empty() && value.size() <= ReplyPath::kNameBytesMax &&
         common::file_name(value, ReplyPath::kNameBytesMax) == value;
}

std::string folder_of(const Template& path) {
  if (path.pieces().empty()) refuse("it is empty");
  const auto& first = path.pieces().front();
  const auto slash = first.part == Part::literal ? first.text.rfind('/') : std::string::npos;
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : first.text.substr(0, slash);
}

void check_end(const Template& path) {
  const auto& last = path.pieces().back();
  if (last.part == Part::literal && last.text.ends_with('/'))
    refuse("it ends in a slash, so it names a folder; add the name of a FIFO");
}

void check_defaults(const Template& path) {
  for (const auto& piece : path.pieces())
    if (piece.fallback && !is_name(*piece.fallback))
      refuse("the default in " + piece.text + " cannot be a name in a folder");
}

}  // namespace

ReplyPath::ReplyPath(std::string_view text)
    : template_(text, {"fifo", {Part::source, Part::json, Part::meta}}),
      folder_(folder_of(template_)) {
  check_end(template_);
  check_defaults(template_);
}

const std::string& ReplyPath::path_of(const standpipe::Message& message) {
  path_.clear();
  fields_.look_at(message);
  for (const auto& piece : template_.pieces()) {
    if (piece.part == Part::literal)
      path_ += piece.text;
    else
      append_value(piece);
  }
  if (path_.size() >= PATH_MAX)
    throw standpipe::reject("it names no FIFO: the path would be longer than a path may be");
  return path_;
}

void ReplyPath::append_value(const Template::Piece& piece) {
  const auto value = fields_.text(piece);
  if (!value)
    throw standpipe::reject("it names no FIFO: " + fields_.why_missing(piece) + " (" + piece.text +
                            " in fifo has no default)");
  if (!is_name(*value))
    throw standpipe::reject("it names no FIFO: what it has for " + piece.text + " in fifo is " +
                            (value->empty() ? "empty" : "not the name of a file in a folder"));
  path_ += *value;
}
