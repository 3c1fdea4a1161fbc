// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/diagnostic.h"
#include "config/tree.h"

namespace standpipe::config {

// The text of a configuration file and its lines.
class Document {
 public:
  Document(std::string file, std::string text);

  const std::string& file() const { return file_; }
  const std::string& text() const { return text_; }
  std::uint32_t lines() const { return static_cast<std::uint32_t>(starts_.size()); }
  // From 1, without its end; empty behind the last one.
  std::string_view line(std::uint32_t number) const;
  Spot spot_at(std::size_t offset) const;
  std::size_t offset(const Spot& spot) const { return spot.line ? starts_[spot.line - 1] + spot.byte : 0; }
  Place place(const Spot& spot) const;
  // The part of a value's line that reads `needle`; the whole value when it is written otherwise (escapes, several lines).
  Spot narrowed(const Spot& spot, std::string_view needle) const;

 private:
  std::string file_;
  std::string text_;
  std::vector<std::size_t> starts_;
};

// Reads a file, or says why not. Looks at its type and size first: no FIFO can make it wait and no huge file is read.
std::variant<std::string, Diagnostic> read_whole(const std::string& path);

}  // namespace standpipe::config
