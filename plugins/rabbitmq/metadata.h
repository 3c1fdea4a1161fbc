// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <amqp.h>
#include <amqp_framing.h>

#include <cstddef>
#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>
#include <vector>

// What came with a message, as metadata: its headers first, and then how it came and its
// properties. Where a header is called as a property, the property is behind it and counts.
//
// Text and numbers of headers are texts; what is nested (x-death) is JSON.
class Metadata {
 public:
  Metadata(const amqp_basic_deliver_t& deliver, const amqp_basic_properties_t& properties);
  // Borrowed until the next call on the same vector, and as long as this is.
  void append_to(std::vector<standpipe::Pair>& pairs) const;

 private:
  struct Entry {
    std::size_t name, value, end;  // where they begin in bytes_
  };
  void add(std::string_view name, std::string_view value);
  void add(const amqp_table_entry_t& header);

  std::string bytes_;
  std::vector<Entry> entries_;
};
