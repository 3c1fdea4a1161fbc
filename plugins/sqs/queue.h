// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <standpipe/plugin.hpp>
#include <string>

#include "client.h"
#include "settings.h"
#include "trouble.h"

// A queue that was found, the client that speaks to it, and what the queue says of itself. Made at
// each opening, so credentials of a file are read anew. One thread at a time, as Client.
class Queue {
 public:
  // Throws standpipe::fatal or disconnected; the latter also when the hub stops meanwhile.
  Queue(standpipe::Host host, const Place& place);

  Client& client() { return client_; }
  const std::string& url() const { return url_; }
  bool is_fifo() const { return is_fifo_; }
  std::size_t message_bytes_max() const { return message_bytes_max_; }
  std::chrono::seconds visibility_timeout() const { return visibility_timeout_; }
  std::chrono::milliseconds request_timeout() const { return request_timeout_; }
  Trouble trouble_of(const Reply& reply) { return ::trouble_of(reply, reader_, where_); }
  JsonValue read(const Reply& reply) { return reader_.read(reply.body); }
  // The beginning of a request's body: {"QueueUrl":"..."
  std::string begin_body() const;

 private:
  Queue(standpipe::Host host, const Place& place, Credentials credentials);
  Reply call(std::string_view action, std::string body);
  void find(const Place& place);
  void read_attributes();

  standpipe::Host host_;
  std::chrono::milliseconds request_timeout_;
  Where where_;
  Client client_;
  JsonReader reader_;
  std::string url_;
  bool is_fifo_;
  std::size_t message_bytes_max_;
  std::chrono::seconds visibility_timeout_;
};
