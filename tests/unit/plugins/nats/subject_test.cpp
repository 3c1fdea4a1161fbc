// SPDX-License-Identifier: Apache-2.0
#include "nats/subject.h"

#include <catch2/catch.hpp>
#include <string>

#include "nats/delivery.h"

using nats::delivery_of;
using nats::subject_fault;

TEST_CASE("a subject that can be published to has no fault") {
  for (const auto* subject : {"a", "orders.de", "größer.x", "a.b$c", "a.*b", "x.>y"}) {
    INFO(subject);
    CHECK(subject_fault(subject, false).empty());
  }
  CHECK(subject_fault("$JS.API.INFO", true).empty());
  CHECK(subject_fault(std::string(1024, 'x'), false).empty());
}

TEST_CASE("a subject that would end the line, or is none, is refused with the reason") {
  CHECK(subject_fault("", false) == "it is empty");
  CHECK(subject_fault("a b", false).find("space") != std::string::npos);
  CHECK(subject_fault("a\r\nPUB b 0", false).find("control character") != std::string::npos);
  CHECK(subject_fault("a..b", false) == "it has an empty token");
  CHECK(subject_fault(".a", false) == "it has an empty token");
  CHECK(subject_fault("a.", false) == "it has an empty token");
  CHECK(subject_fault("a.*", false) == "it has a wildcard");
  CHECK(subject_fault(">", false) == "it has a wildcard");
  CHECK(subject_fault("$JS.API.STREAM.DELETE.S", false).find("the server's own") !=
        std::string::npos);
  CHECK(subject_fault(std::string(1025, 'x'), false).find("1024 bytes") != std::string::npos);
}

TEST_CASE("the reply subject of a stream's message says where it lies, in both of its forms") {
  const auto old = delivery_of("$JS.ACK.ORDERS.hub.3.42.7.1700000000.5");
  CHECK((old.stream == "ORDERS" && old.num_delivered == "3" && old.stream_sequence == "42"));
  const auto now = delivery_of("$JS.ACK.domain.hash.ORDERS.hub.3.42.7.1700000000.5.token");
  CHECK((now.stream == "ORDERS" && now.num_delivered == "3" && now.stream_sequence == "42"));
  CHECK(delivery_of("").stream.empty());
}
