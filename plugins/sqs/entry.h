// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>

#include "common/fields.h"
#include "common/taken_window.h"
#include "settings.h"

// A message as SendMessageBatch takes it.
struct Entry {
  std::string json;       // its fields without the braces and the Id: "MessageBody":"..." ...
  std::size_t bytes = 0;  // as SQS counts them: body, and names, types and values of attributes
  std::string group;
  common::TakenWindow::Number number = 0;
};

// Makes entries of messages. Throws standpipe::reject for what SQS would never take, with the limit
// named. One thread at a time.
class EntryMaker {
 public:
  static constexpr std::size_t kAttributesMax = 10;
  static constexpr std::string_view kEncoding = "encoding";  // the attribute that says base64
  static constexpr std::string_view kOwnMetadata = "sqs.";   // how names begin that a source makes

  EntryMaker(const SendSettings& settings, bool is_fifo) : settings_(settings), is_fifo_(is_fifo) {}
  Entry make(const standpipe::Message& message, std::size_t bytes_max);

 private:
  using Attributes = std::map<std::string, std::string, std::less<>>;  // the last of a name counts
  void add_body(std::string_view payload);
  bool sends(std::string_view name) const;
  void add_attributes(const standpipe::Message& message);
  void write_attributes();
  void add_ids(const standpipe::Message& message);
  std::string id_of(const common::Template& form, std::string_view option);

  const SendSettings& settings_;
  bool is_fifo_;
  common::Fields fields_;
  Attributes attributes_;
  Entry entry_;
};
