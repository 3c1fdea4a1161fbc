// SPDX-License-Identifier: Apache-2.0
#include "kafka/topics.h"

#include <catch2/catch.hpp>
#include <string>

using kafka::topic_name_fault;

TEST_CASE("a topic's name is what Kafka takes") {
  for (const auto& name : {std::string("orders"), std::string("a.B_c-9"), std::string(249, 'x')})
    CHECK(topic_name_fault(name).empty());
  for (const auto& name : {std::string(), std::string("."), std::string(".."), std::string("a/b"),
                           std::string("ä"), std::string("a b"), std::string(250, 'x')}) {
    INFO(name);
    CHECK_FALSE(topic_name_fault(name).empty());
  }
}
