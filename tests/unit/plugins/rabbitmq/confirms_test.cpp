// SPDX-License-Identifier: Apache-2.0
#include "rabbitmq/publisher.h"

#include <amqp_framing.h>

#include <catch2/catch.hpp>
#include <string>

#include "settling_host.h"

namespace {

using standpipe::Outcome;

struct Fixture {
  SettlingHost host;
  common::TakenWindow window{host.face(), 100, 10000};
  Confirms confirms{window};

  void publish(int count) {
    for (; count > 0; --count) {
      const auto number = window.add({1, static_cast<std::uint32_t>(last++), 1}, 10);
      confirms.published("in:" + std::to_string(number));
    }
  }
  template <class Method>
  void hears(amqp_method_number_t id, Method method) {
    amqp_frame_t frame{};
    frame.frame_type = AMQP_FRAME_METHOD;
    frame.payload.method.id = id;
    frame.payload.method.decoded = &method;
    confirms.follow(frame);
  }
  void ack(std::uint64_t tag, bool multiple = false) {
    hears(AMQP_BASIC_ACK_METHOD, amqp_basic_ack_t{tag, multiple});
  }
  void nack(std::uint64_t tag, bool multiple = false) {
    hears(AMQP_BASIC_NACK_METHOD, amqp_basic_nack_t{tag, multiple, false});
  }
  void comes_back(const std::string& message_id) {
    amqp_basic_return_t its{};
    its.reply_code = 312;
    its.reply_text = amqp_cstring_bytes("NO_ROUTE");
    its.exchange = amqp_cstring_bytes("events");
    its.routing_key = amqp_cstring_bytes("nobody");
    hears(AMQP_BASIC_RETURN_METHOD, its);
    amqp_basic_properties_t properties{};
    properties.message_id = amqp_cstring_bytes(message_id.c_str());
    amqp_frame_t frame{};
    frame.frame_type = AMQP_FRAME_HEADER;
    frame.payload.properties.decoded = &properties;
    confirms.follow(frame);
  }
  // "1-3 delivered, 4 reject" of what was settled: messages counted from 1.
  std::string settled() const {
    std::string out;
    for (const auto& it : host.settled) {
      const char* const names[] = {"delivered", "retry", "reject"};
      const auto outcome = static_cast<Outcome>(it.outcome);
      const auto name = outcome == Outcome::delivered ? names[0]
                        : outcome == Outcome::retry   ? names[1]
                        : outcome == Outcome::reject  ? names[2]
                                                      : "?";
      out += (out.empty() ? "" : ", ") + std::to_string(it.first + 1);
      if (it.count > 1) out += "-" + std::to_string(it.first + it.count);
      out += std::string(" ") + name;
    }
    return out;
  }
  int last = 0;
};

}  // namespace

TEST_CASE_METHOD(Fixture, "confirms of one message and of several settle in their order") {
  publish(5);
  ack(2);
  CHECK(settled().empty());  // the first is open
  ack(1);
  CHECK(settled() == "1-2 delivered");
  ack(4, true);
  CHECK(settled() == "1-2 delivered, 3-4 delivered");
  ack(0, true);  // all, as AMQP says
  CHECK(settled() == "1-2 delivered, 3-4 delivered, 5 delivered");
  ack(5);  // twice
  CHECK(window.messages() == 0);
}

TEST_CASE_METHOD(Fixture, "what the broker refuses is tried again") {
  publish(4);
  nack(2, true);
  ack(3);
  nack(4);
  CHECK(settled() == "1 retry, 2 retry, 3 delivered, 4 retry");
  CHECK(host.settled[0].why.find("basic.nack") != std::string::npos);
}

TEST_CASE_METHOD(Fixture, "what comes back is rejected though it is confirmed afterwards") {
  publish(3);
  comes_back("in:2");
  ack(3, true);
  CHECK(settled() == "1 delivered, 2 reject, 3 delivered");
  CHECK(host.settled[1].why ==
        "RabbitMQ has returned it: NO_ROUTE (312) for exchange 'events' and routing key 'nobody'");
}

TEST_CASE_METHOD(Fixture, "of messages with one id the first that is open comes back") {
  for (int i = 0; i < 2; ++i) {
    window.add({1, static_cast<std::uint32_t>(last++), 1}, 10);
    confirms.published("same");
  }
  comes_back("same");
  comes_back("same");
  comes_back("unknown");
  ack(2, true);
  CHECK(settled() == "1 reject, 2 reject");
}
