// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <librdkafka/rdkafka.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <standpipe/plugin.hpp>
#include <string>
#include <utility>
#include <vector>

#include "common/fields.h"
#include "common/template.h"

namespace kafka {

struct HeadersDestroy {
  void operator()(rd_kafka_headers_t* headers) const { rd_kafka_headers_destroy(headers); }
};
using Headers = std::unique_ptr<rd_kafka_headers_t, HeadersDestroy>;

// What a message of the hub becomes in Kafka, by the options of a handler. The payload and the key
// are borrowed; all is valid until the next message is made.
class Outgoing {
 public:
  explicit Outgoing(const standpipe::Options& options);

  // Throws standpipe::reject if the message lacks a value that has no default.
  void make(const standpipe::Message& message);

  // The topic of all messages; empty: each message names its own.
  const std::string& fixed_topic() const { return fixed_topic_; }
  const std::string& topic() const { return topic_; }
  bool has_key() const { return key_shape_.has_value(); }
  const std::string& key() const { return key_; }
  bool is_tombstone() const { return is_tombstone_; }
  Headers take_headers() { return std::move(headers_); }

 private:
  using Header = std::pair<std::string, common::Template>;

  void fill(const common::Template& shape, const char* option, std::string& out);
  void make_headers(const standpipe::Message& message);
  void add_header(std::string_view name, std::string_view value);

  common::Template topic_shape_;
  std::string fixed_topic_;
  std::optional<common::Template> key_shape_;
  std::vector<Header> header_shapes_;
  std::string id_header_;
  bool sends_metadata_;
  common::Fields fields_;
  std::string topic_, key_, value_;
  bool is_tombstone_ = false;
  Headers headers_;
};

}  // namespace kafka
