// SPDX-License-Identifier: Apache-2.0
#include "path_template.h"

#include <algorithm>
#include <climits>

#include "common/file_name.h"
#include "target.h"

namespace {

using common::Template;
using Part = Template::Part;

// A file's name is at most 255 bytes long, and rotation adds ".1000" to it.
constexpr std::size_t kNameBytesMax = NAME_MAX - 5;

// Longer than kValueBytesMax: it is none.
std::string name_of(std::string_view value) {
  return common::file_name(value, PathTemplate::kValueBytesMax);
}

[[noreturn]] void refuse(const std::string& what) { throw standpipe::fatal("path: " + what); }

void check_defaults(const Template& path) {
  for (const auto& piece : path.pieces())
    if (piece.fallback && (piece.fallback->empty() || name_of(*piece.fallback) != *piece.fallback ||
                           piece.fallback->size() > PathTemplate::kValueBytesMax))
      refuse("the default in " + piece.text +
             " cannot be a part of a file's name; write something as {json:/device|unknown}");
}

}  // namespace

PathTemplate::PathTemplate(std::string_view text)
    : text_(text), template_(text, {"path", {Part::source, Part::json, Part::meta}}) {
  check_defaults(template_);
}

std::string PathTemplate::fixed() const {
  return template_.pieces().empty() ? std::string() : template_.pieces().front().text;
}

std::string PathTemplate::folder() const {
  const auto& first = template_.pieces().front();
  const auto slash = first.part == Part::literal ? first.text.rfind('/') : std::string::npos;
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : first.text.substr(0, slash);
}

void PathTemplate::check(const Settings& settings) const {
  if (settings.request.format == Format::frames)
    refuse(
        "format frames writes one file, which the router sends exactly once; with placeholders "
        "use jsonl, which keeps every byte, or lines");
  const auto& pieces = template_.pieces();
  bool is_folder = false;
  for (auto piece = pieces.rbegin(); piece != pieces.rend(); ++piece) {
    if (is_folder && piece->part != Part::literal && !settings.request.create_folders)
      refuse(piece->text + " is a part of a folder's name; set create_folders: true");
    is_folder =
        is_folder || (piece->part == Part::literal && piece->text.find('/') != std::string::npos);
  }
  const auto& last = pieces.back();
  const auto& limits = settings.rotation.limits();
  const char end = last.part == Part::literal ? last.text.back() : '0';
  if ((limits.size || limits.age) && (end == '/' || (end >= '0' && end <= '9')))
    refuse(
        "with rotation its name must end in something fixed that is no digit, as .log: a message "
        "could otherwise name a file that another one is rotated to");
  if (end == '/') refuse("it ends in a slash, so it names a folder; add a file's name");
}

std::optional<std::string_view> PathTemplate::path_of(const standpipe::Message& message) {
  path_.clear();
  fields_.look_at(message);
  for (const auto& piece : template_.pieces()) {
    if (piece.part == Part::literal)
      path_ += piece.text;
    else if (!append_value(piece))
      return std::nullopt;
  }
  return fits() ? std::optional<std::string_view>(path_) : std::nullopt;
}

bool PathTemplate::append_value(const Template::Piece& piece) {
  auto value = fields_.text(piece);
  if (!value) {
    why_ = "it names no file: " + fields_.why_missing(piece) + " (" + piece.text +
           " in path has no default)";
    return false;
  }
  if (value->empty() && piece.fallback) value = *piece.fallback;
  const auto name = name_of(*value);
  if (!name.empty() && name.size() <= kValueBytesMax) {
    path_ += name;
    return true;
  }
  why_ = "it names no file: what it has for " + piece.text + " in path is " +
         (name.empty() ? "empty" : "longer than 100 bytes");
  return false;
}

bool PathTemplate::fits() {
  std::size_t longest = 0;
  for (std::size_t begin = 0; begin < path_.size();) {
    const auto end = std::min(path_.find('/', begin), path_.size());
    longest = std::max(longest, end - begin);
    begin = end + 1;
  }
  if (longest <= kNameBytesMax && path_.size() < PATH_MAX) return true;
  why_ = "it names no file: the name would be longer than a file's may be";
  return false;
}
