// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/fields.h"
#include "common/template.h"

// Makes SP messages of the hub's: one of one, or one of many, each with its length.
class Packer {
 public:
  explicit Packer(const standpipe::Options& options);

  // Each SP message is of one message: nothing has to be gathered.
  bool is_of_one() const { return !has_lengths_; }
  // The bytes that a message adds to an SP message. Borrowed from it, or until the next one. Throws
  // standpipe::reject: it is too large, or lacks what a template asks for.
  std::string_view bytes_of(const standpipe::Message& message);
  // Whether there is room for so many more bytes in an SP message of so many messages.
  bool has_room(std::size_t messages, const std::string& packet, std::size_t bytes) const;

 private:
  struct Header {
    std::string name;
    common::Template value;
  };
  void fill(std::string& out, const common::Template& text, std::string_view option);
  void add_metadata(const standpipe::Message& message);
  std::string_view of_size(std::string_view bytes) const;

  bool has_lengths_, has_metadata_;
  std::size_t bytes_max_;
  std::optional<common::Template> topic_;
  std::vector<Header> headers_;
  common::Fields fields_;
  std::string bytes_, metadata_, value_;
};
