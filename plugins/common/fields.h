// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>

#include "common/json_text.h"
#include "common/template.h"

namespace common {

// What stands for the placeholders of templates in one message after the other. A payload is parsed
// at most once, when the first JSON value of it is asked for. One thread at a time.
class Fields {
 public:
  // From now on it is about this message, which is borrowed until the next one.
  void look_at(const standpipe::Message& message);
  // Until the next call; of a literal, its text. nullopt: the message does not have it, and the
  // placeholder has no default.
  std::optional<std::string_view> text(const Template::Piece& piece);
  // Appends all of a template. false: a value is missing that has no default; nothing stands for
  // it.
  bool append(std::string& out, const Template& whole);
  // Why there was no text: "its payload is no JSON".
  std::string why_missing(const Template::Piece& piece);

 private:
  std::optional<std::string_view> found(const Template::Piece& piece);
  bool is_json();

  std::optional<standpipe::Message> message_;
  std::optional<bool> is_json_;  // once it was parsed
  JsonText json_;
  std::string text_;
};

}  // namespace common
