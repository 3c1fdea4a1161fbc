// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>

#include "common/fields.h"
#include "common/template.h"

// The FIFO that a reply goes to: /run/app/replies/{json:/reply_to}. What a message says is one
// whole name there, as a client chose it for its FIFO: not a folder, not hidden, nothing that would
// have to be written in another way. So no reply leaves the folder that the template begins with.
class ReplyPath {
 public:
  static constexpr std::size_t kNameBytesMax = 255;

  // Throws standpipe::fatal that says what is wrong.
  explicit ReplyPath(std::string_view text);
  // Where all FIFOs are, or the folders that they are in.
  const std::string& folder() const { return folder_; }
  // Until the next call. Throws standpipe::reject: the message names no FIFO.
  const std::string& path_of(const standpipe::Message& message);

 private:
  void append_value(const common::Template::Piece& piece);

  common::Template template_;
  std::string folder_;
  common::Fields fields_;
  std::string path_;
};
