// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/fields.h"
#include "common/template.h"

// The frames of one message after the other: [topic] [metadata] payload.
class Envelope {
 public:
  explicit Envelope(const standpipe::Options& options);

  // Borrowed until the next message. Throws standpipe::reject: a frame would be too large, or the
  // message lacks what a template asks for.
  std::span<const std::string_view> frames(const standpipe::Message& message);
  bool has_metadata() const { return has_metadata_; }

 private:
  struct Header {
    std::string name;
    common::Template value;
  };
  void fill(std::string& out, const common::Template& text, std::string_view option);
  void write_metadata(const standpipe::Message& message);
  void add(std::string_view frame, std::string_view what);

  std::optional<common::Template> topic_;
  bool has_metadata_;
  std::vector<Header> headers_;
  std::size_t frame_bytes_max_;
  common::Fields fields_;
  std::string topic_text_, metadata_, value_;
  std::vector<std::string_view> frames_;
};
