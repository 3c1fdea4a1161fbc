// SPDX-License-Identifier: Apache-2.0
#include "nanomsg/requests.h"

#include <catch2/catch.hpp>
#include <string>

using Next = Requests::Next;

TEST_CASE("a request is brought once, and replied to as often as it comes") {
  Requests requests;
  CHECK(requests.receive("a") == Next::take);
  CHECK(requests.receive("a") == Next::ignore);
  CHECK(requests.receive("b") == Next::take);
  requests.replied("a");
  CHECK(requests.receive("a") == Next::reply);
  CHECK(requests.receive("b") == Next::ignore);
  requests.replied("a");  // twice, and one that nobody knows
  requests.replied("c");
  CHECK(requests.receive("a") == Next::reply);
  requests.clear();
  CHECK(requests.receive("a") == Next::take);
}

TEST_CASE("so many are remembered after their reply, the latest ones") {
  Requests requests;
  for (std::size_t i = 0; i <= Requests::kRepliedMost; ++i) {
    CHECK(requests.receive(std::to_string(i)) == Next::take);
    requests.replied(std::to_string(i));
  }
  CHECK(requests.receive("1") == Next::reply);
  CHECK(requests.receive("0") == Next::take);
}

TEST_CASE("it is full of open ones, and not of those that had their reply") {
  Requests requests;
  for (std::size_t i = 0; i < Requests::kOpenMost; ++i) {
    CHECK_FALSE(requests.is_full());
    requests.receive(std::to_string(i));
  }
  CHECK(requests.is_full());
  requests.replied("5");
  CHECK_FALSE(requests.is_full());
}
