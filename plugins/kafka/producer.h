// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>
#include <thread>

#include "client.h"
#include "common/taken_window.h"
#include "outgoing.h"
#include "settings.h"

namespace kafka {

// An idempotent producer from open to close, and the thread that hears its delivery reports and
// settles by them what the window has. Through outages it keeps what it has accepted and sends it
// again under the same numbers, so the broker drops what it has already: as long as this producer
// lives, nothing is there twice.
//
// A broker refuses a request as a whole, and does not say which of its messages it meant. So after
// a refusal the producer fails, and the next one is made to send each message alone.
class Producer {
 public:
  Producer(standpipe::Host host, const Settings& settings, common::TakenWindow& window,
           std::string fixed_topic, bool one_by_one);
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;
  ~Producer();

  // Waits for a broker, and for the fixed topic to exist with that partition (-1: any). Throws.
  void connect(int partition);
  // Never waits. The number is the window's.
  rd_kafka_resp_err_t send(Outgoing& what, const standpipe::Message& message, int partition,
                           common::TakenWindow::Number number);
  // Throws what the library has said since.
  void check() { client_.failure().throw_it(); }
  bool is_down() const { return client_.is_down(); }
  bool wants_one_by_one() const { return wants_one_by_one_; }

  // What an error of one message is about, in words; `topic` may be empty.
  static std::string why(rd_kafka_resp_err_t error, const std::string& topic);

 private:
  void serve();
  void settle(const rd_kafka_message_t& report);
  void fail(Failure::Kind kind, std::string text);

  Client client_;
  common::TakenWindow& window_;
  std::string fixed_topic_;
  Topic topic_;  // the fixed one
  bool one_by_one_;
  std::atomic<bool> wants_one_by_one_ = false;
  std::atomic<bool> is_over_ = false;
  std::thread reports_;
};

}  // namespace kafka
