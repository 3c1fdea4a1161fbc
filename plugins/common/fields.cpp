// SPDX-License-Identifier: Apache-2.0
#include "common/fields.h"

#include "common/rfc3339.h"

namespace common {

void Fields::look_at(const standpipe::Message& message) {
  message_.emplace(message);
  is_json_.reset();
}

bool Fields::is_json() {
  if (!is_json_) is_json_ = json_.parse(message_->text());
  return *is_json_;
}

std::optional<std::string_view> Fields::text(const Template::Piece& piece) {
  const auto own = found(piece);
  return own || !piece.fallback ? own : std::optional<std::string_view>(*piece.fallback);
}

bool Fields::append(std::string& out, const Template& whole) {
  bool is_whole = true;
  for (const auto& piece : whole.pieces()) {
    const auto its = text(piece);
    if (its) out += *its;
    is_whole = is_whole && its;
  }
  return is_whole;
}

std::optional<std::string_view> Fields::found(const Template::Piece& piece) {
  switch (piece.part) {
    case Template::Part::literal:
      return piece.text;
    case Template::Part::source:
      return message_->source();
    case Template::Part::sequence:
      return text_ = std::to_string(message_->sequence());
    case Template::Part::time:
      return text_ = rfc3339(message_->time());
    case Template::Part::size:
      return text_ = std::to_string(message_->size());
    case Template::Part::json:
      return is_json() ? json_.find(piece.pointer) : std::nullopt;
    case Template::Part::meta:
      return message_->meta(piece.name);
    case Template::Part::payload:
      break;
  }
  return message_->text();
}

std::string Fields::why_missing(const Template::Piece& piece) {
  if (piece.part == Template::Part::meta) return "it has no metadata '" + piece.name + "'";
  if (message_->size() > JsonText::kBytesMax)
    return "its payload is larger than 1 MiB, so nobody looks for JSON in it";
  return is_json() ? "its payload has nothing for " + piece.text : "its payload is no JSON";
}

}  // namespace common
