// SPDX-License-Identifier: Apache-2.0
#include "entry.h"

#include <algorithm>
#include <utility>

#include "body.h"
#include "common/json_scan.h"
#include "common/message_name.h"

using common::json_quoted;
using standpipe::reject;

namespace {

constexpr std::size_t kIdBytesMax = 128;
constexpr std::size_t kTypeBytes = 6;  // of "String" and "Binary"

bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= kIdBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace

Entry EntryMaker::make(const standpipe::Message& message, std::size_t bytes_max) {
  entry_ = {};
  attributes_.clear();
  fields_.look_at(message);
  add_body(message.text());
  add_attributes(message);
  write_attributes();
  add_ids(message);
  if (settings_.delay_seconds)
    entry_.json += ",\"DelaySeconds\":" + std::to_string(*settings_.delay_seconds);
  if (entry_.bytes > bytes_max)
    throw reject("it has " + std::to_string(entry_.bytes) +
                 " bytes of body and attributes, and the queue takes " + std::to_string(bytes_max) +
                 " (its MaximumMessageSize, or batch_max_bytes)");
  return std::exchange(entry_, {});
}

void EntryMaker::add_body(std::string_view payload) {
  const bool is_text = settings_.encoding != Encoding::base64 && is_sqs_text(payload);
  if (!is_text && settings_.encoding == Encoding::text)
    throw reject(payload.empty()
                     ? "it is empty, and SQS takes no empty body; body_encoding: auto sends it"
                     : "it has bytes that SQS takes in no body (it is not UTF-8, or has control "
                       "characters); body_encoding: auto sends it as base64");
  const auto encoded = is_text ? std::string() : to_base64_body(payload);
  const auto body = is_text ? payload : std::string_view(encoded);
  entry_.json = "\"MessageBody\":" + json_quoted(body);
  entry_.bytes = body.size();
  if (!is_text) attributes_.emplace(kEncoding, "base64");
}

// What a source of this plugin says of its messages is not theirs, and the encoding is ours.
bool EntryMaker::sends(std::string_view name) const {
  const auto& names = settings_.metadata;
  if (!settings_.sends_metadata || name == kEncoding) return false;
  if (!names.empty()) return std::find(names.begin(), names.end(), name) != names.end();
  return !name.starts_with(kOwnMetadata);
}

// SQS takes no empty value: such a one is left out.
void EntryMaker::add_attributes(const standpipe::Message& message) {
  for (const auto& [name_text, value] : message.metadata()) {
    const std::string_view name(name_text.data, name_text.size);
    if (!sends(name) || value.size == 0) continue;
    if (!is_attribute_name(name))
      throw reject("SQS takes no attribute that is called '" + std::string(name) +
                   "', as metadata of it is; choose by the option metadata what is sent");
    attributes_.insert_or_assign(std::string(name), std::string(value.data, value.size));
  }
  for (const auto& [name, form] : settings_.message_attributes) {
    std::string value;
    if (fields_.append(value, form) && !value.empty())
      attributes_.insert_or_assign(name, std::move(value));
  }
  if (attributes_.size() > kAttributesMax)
    throw reject("it would have " + std::to_string(attributes_.size()) +
                 " attributes, and SQS takes 10; choose by the option metadata what is sent");
}

void EntryMaker::write_attributes() {
  if (attributes_.empty()) return;
  std::string_view before = ",\"MessageAttributes\":{";
  for (const auto& [name, value] : attributes_) {
    const bool is_text = is_sqs_text(value);
    entry_.json += before;
    entry_.json += json_quoted(name);
    entry_.json += is_text ? ":{\"DataType\":\"String\",\"StringValue\":"
                           : ":{\"DataType\":\"Binary\",\"BinaryValue\":";
    entry_.json += json_quoted(is_text ? value : to_base64(value));
    entry_.json += '}';
    entry_.bytes += name.size() + kTypeBytes + value.size();
    before = ",";
  }
  entry_.json += '}';
}

// Without the time, what another run of the hub sent within five minutes under the same number
// would make SQS drop this one.
void EntryMaker::add_ids(const standpipe::Message& message) {
  if (settings_.message_group_id) {
    entry_.group = id_of(*settings_.message_group_id, "message_group_id");
    entry_.json += ",\"MessageGroupId\":" + json_quoted(entry_.group);
  }
  if (!is_fifo_ || settings_.is_deduplicated_by_content) return;
  const auto& form = settings_.message_deduplication_id;
  const auto id = form ? id_of(*form, "message_deduplication_id") : common::message_name(message);
  entry_.json += ",\"MessageDeduplicationId\":" + json_quoted(id);
}

std::string EntryMaker::id_of(const common::Template& form, std::string_view option) {
  std::string id;
  for (const auto& piece : form.pieces()) {
    const auto text = fields_.text(piece);
    if (!text)
      throw reject("it has no value for " + piece.text + " of " + std::string(option) + ": " +
                   fields_.why_missing(piece));
    id += *text;
  }
  if (!is_id(id))
    throw reject("its " + std::string(option) +
                 " would not be 1 to 128 letters, digits and punctuation marks, as SQS wants it");
  return id;
}
