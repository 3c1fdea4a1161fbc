// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <standpipe/plugin.hpp>
#include <string>
#include <utility>
#include <vector>

#include "client.h"
#include "common/template.h"
#include "credentials.h"

void describe(standpipe::Description& d);

// How bodies are written: as text where SQS takes it, or as base64 with an attribute that says so.
enum class Encoding { automatic, text, base64 };

// Where the queue is, and how it is spoken to.
struct Place {
  explicit Place(const standpipe::Options& options);
  std::string queue() const { return queue_name.empty() ? queue_url : queue_name; }
  bool is_fifo() const { return queue().ends_with(".fifo"); }

  std::string queue_url, queue_name, account_id;
  Endpoint endpoint;
  Credentials credentials;  // of the options, or empty
  std::string profile;
  std::chrono::milliseconds request_timeout{};
};

// What the handler makes of messages.
struct SendSettings {
  explicit SendSettings(const standpipe::Options& options, bool is_fifo);

  std::size_t concurrency;
  std::size_t max_in_flight;
  std::size_t batch_max_bytes;
  std::optional<long> delay_seconds;
  std::optional<common::Template> message_group_id, message_deduplication_id;
  bool is_deduplicated_by_content;  // message_deduplication_id is empty: SQS makes it of the body
  std::vector<std::pair<std::string, common::Template>> message_attributes;
  bool sends_metadata;
  std::vector<std::string> metadata;  // the names that are sent; empty: all
  Encoding encoding;
};

// How the source fetches messages.
struct ReceiveSettings {
  explicit ReceiveSettings(const standpipe::Options& options);

  std::size_t receivers;
  long max_number_of_messages;
  std::chrono::seconds wait_time;
  std::optional<std::chrono::seconds> visibility_timeout;
  std::size_t max_in_flight;
  Encoding encoding;
};
