// SPDX-License-Identifier: Apache-2.0
#include "incoming.h"

#include <charconv>

#include "common/utf8.h"

namespace kafka {
namespace {

constexpr std::size_t kOwnPairs = 6;     // the most of them
constexpr std::size_t kOwnBytes = 1024;  // more than they have, a topic's name of 249 included

}  // namespace

void Incoming::look_at(const rd_kafka_message_t& record) {
  pairs_.clear();
  is_cut_ = false;
  payload_ = record.payload ? std::string_view(static_cast<const char*>(record.payload), record.len)
                            : std::string_view();
  const bool has_key = record.key && record.key_len + kOwnBytes <= STANDPIPE_META_BYTES_MAX;
  if (record.key && !has_key) is_cut_ = true;
  add_headers(record, kOwnBytes + (has_key ? record.key_len : 0));
  if (has_key)
    pairs_.emplace_back("key",
                        std::string_view(static_cast<const char*>(record.key), record.key_len));
  pairs_.emplace_back("topic", rd_kafka_topic_name(record.rkt));
  add_number("partition", record.partition, partition_);
  add_number("offset", record.offset, offset_);
  rd_kafka_timestamp_type_t type{};
  const auto timestamp = rd_kafka_message_timestamp(&record, &type);
  if (type != RD_KAFKA_TIMESTAMP_NOT_AVAILABLE) add_number("timestamp", timestamp, timestamp_);
  if (!record.payload) pairs_.emplace_back("tombstone", "true");
}

void Incoming::add_headers(const rd_kafka_message_t& record, std::size_t own_bytes) {
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&record, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return;
  auto bytes = own_bytes;
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  for (std::size_t i = 0;
       rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
       ++i) {
    const std::string_view its_name(name);
    const bool fits = !its_name.empty() && its_name.size() <= STANDPIPE_META_NAME_MAX &&
                      common::is_utf8(its_name) &&
                      bytes + its_name.size() + size <= STANDPIPE_META_BYTES_MAX &&
                      pairs_.size() + kOwnPairs < STANDPIPE_META_PAIRS_MAX;
    if (!fits) {
      is_cut_ = true;
      continue;
    }
    bytes += its_name.size() + size;
    pairs_.emplace_back(its_name, value ? std::string_view(static_cast<const char*>(value), size)
                                        : std::string_view());
  }
}

void Incoming::add_number(std::string_view name, std::int64_t number, Digits& digits) {
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  pairs_.emplace_back(name, std::string_view(digits.data(), end));
}

}  // namespace kafka
