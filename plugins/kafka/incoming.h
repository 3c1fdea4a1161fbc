// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <librdkafka/rdkafka.h>

#include <array>
#include <cstdint>
#include <standpipe/plugin.hpp>
#include <string_view>
#include <vector>

namespace kafka {

// The metadata of a record of Kafka: its headers, and then key, topic, partition, offset and
// timestamp, which win where a header has one of these names. Borrows from the record.
//
// A hub takes less metadata than Kafka does. What exceeds its limits is left out and counted:
// headers first, the last ones before the others; then the key.
class Incoming {
 public:
  void look_at(const rd_kafka_message_t& record);
  std::string_view payload() const { return payload_; }
  standpipe::Meta meta() const { return pairs_; }
  bool is_cut() const { return is_cut_; }  // something was left out

 private:
  using Digits = std::array<char, 24>;

  void add_headers(const rd_kafka_message_t& record, std::size_t own_bytes);
  void add_number(std::string_view name, std::int64_t number, Digits& digits);

  std::string_view payload_;
  std::vector<standpipe::Pair> pairs_;
  Digits partition_{}, offset_{}, timestamp_{};
  bool is_cut_ = false;
};

}  // namespace kafka
