// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/diagnostic.h"
#include "config/bundle.h"
#include "config/tree.h"

namespace standpipe::config {

// The text of a configuration file and its lines. `number`: which of the configuration's files it
// is; the spots that it makes say so.
class Document {
 public:
  Document(std::string file, std::string text, std::uint32_t number = 0);

  const std::string& file() const { return file_; }
  const std::string& text() const { return text_; }
  std::uint32_t lines() const { return static_cast<std::uint32_t>(starts_.size()); }
  // From 1, without its end; empty after the last one.
  std::string_view line(std::uint32_t number) const;
  Spot spot_at(std::size_t offset) const;
  std::size_t offset(const Spot& spot) const {
    return spot.line ? starts_[spot.line - 1] + spot.byte : 0;
  }
  Location place(const Spot& spot) const;
  // The same without the line: fast also in a file that is one long line.
  std::size_t column(const Spot& spot) const;
  // The part of a value's line that reads `needle`; the whole value when it is written otherwise
  // (escapes, several lines).
  Spot narrowed(const Spot& spot, std::string_view needle) const;

 private:
  static constexpr std::size_t kBlockBytes = 1024;
  std::size_t characters_before(std::size_t offset) const;

  std::string file_;
  std::string text_;
  std::uint32_t number_;
  std::vector<std::size_t> starts_;
  std::vector<std::size_t> characters_;  // before each block of kBlockBytes
};

// All files of a configuration: what a spot means.
class Documents {
 public:
  explicit Documents(const Bundle& bundle);

  std::size_t size() const { return documents_.size(); }
  const Document& of(const Spot& spot) const { return documents_[spot.file]; }
  const Document& number(std::size_t file) const { return documents_[file]; }
  Location place(const Spot& spot) const { return of(spot).place(spot); }
  Spot narrowed(const Spot& spot, std::string_view needle) const {
    return of(spot).narrowed(spot, needle);
  }
  // "orders.yaml:3:5"
  std::string position(const Spot& spot) const;
  // The same for somebody who looks at `here`: "in this line", "in line 3", "at b.yaml:3:5".
  std::string beside(const Spot& spot, const Spot& here) const;

 private:
  std::vector<Document> documents_;
};

// The names of a folder's files that end in .yaml or .yml, sorted, without hidden ones; of a folder
// with more than `most`, it returns some and more than that. nullopt: it cannot be listed.
std::optional<std::vector<std::string>> yaml_files_in(const std::string& folder, std::size_t most);

// Reads a file, or says why not. Looks at its type and size first: no FIFO can make it wait and no
// huge file is read.
std::variant<std::string, Diagnostic> read_whole(const std::string& path);

}  // namespace standpipe::config
