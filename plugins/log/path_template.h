// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>

#include "common/fields.h"
#include "common/template.h"

struct Settings;

// The path of a log, which may name a file for each device, source or whatever a message says:
// logs/{json:/device|unknown}.log. What a message says becomes a part of one name, and never a
// folder, a hidden file or somebody else's name (common/file_name.h). A value that is missing (and
// has no default) or empty, or is longer than kValueBytesMax written so, names nothing.
class PathTemplate {
 public:
  static constexpr std::size_t kValueBytesMax = 100;

  // Throws standpipe::fatal that says what is wrong.
  explicit PathTemplate(std::string_view text);
  bool has_placeholders() const { return template_.has_placeholders(); }
  // The path, where it has no placeholders.
  std::string fixed() const;
  // The folder of all its files, or that all their folders are in.
  std::string folder() const;
  // Throws standpipe::fatal when these settings do not go with a template.
  void check(const Settings& settings) const;

  // Until the next call. nullopt: the message names no file, and why() says why.
  std::optional<std::string_view> path_of(const standpipe::Message& message);
  const std::string& why() const { return why_; }
  const std::string& text() const { return text_; }

 private:
  bool append_value(const common::Template::Piece& piece);
  bool fits();

  std::string text_;  // as the user wrote it, from the root
  common::Template template_;
  common::Fields fields_;
  std::string path_;
  std::string why_;
};
