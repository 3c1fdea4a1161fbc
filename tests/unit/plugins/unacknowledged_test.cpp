// SPDX-License-Identifier: Apache-2.0
#include "common/unacknowledged.h"

#include <catch2/catch.hpp>
#include <string>

TEST_CASE("what is safe is acknowledged once, in order, and the rest later") {
  common::Unacknowledged<std::string> brought;
  std::string acknowledged;
  const auto acknowledge = [&](const std::string& name) { acknowledged += name; };
  brought.release(5, acknowledge);
  CHECK(acknowledged.empty());
  brought.add(3, "a");
  brought.add(4, "b");
  brought.add(9, "c");  // sequences grow, not always by one
  brought.release(2, acknowledge);
  CHECK(acknowledged.empty());
  brought.release(8, acknowledge);
  CHECK(acknowledged == "ab");
  CHECK(brought.size() == 1);
  brought.release(8, acknowledge);
  CHECK(acknowledged == "ab");
  brought.release(9, acknowledge);
  CHECK(acknowledged == "abc");
  CHECK(brought.empty());
}

TEST_CASE("what a lost connection had brought is acknowledged by nobody") {
  common::Unacknowledged<int> brought;
  brought.add(1, 1);
  brought.clear();
  int acknowledged = 0;
  brought.release(10, [&](int) { ++acknowledged; });
  CHECK(acknowledged == 0);
}
