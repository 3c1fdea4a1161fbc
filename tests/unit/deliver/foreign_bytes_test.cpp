// SPDX-License-Identifier: Apache-2.0
#include "deliver/foreign_bytes.h"

#include <catch2/catch.hpp>

using standpipe::deliver::ForeignBytes;

TEST_CASE("what waited before us and what we pushed is nobody else's") {
  ForeignBytes bytes;
  bytes.begin(10);
  CHECK_FALSE(bytes.look(10));
  bytes.pushed(5);
  bytes.pushed(6);
  CHECK_FALSE(bytes.look(21));
}

TEST_CASE("a byte more than that was written by others") {
  ForeignBytes bytes;
  bytes.begin(10);
  bytes.pushed(5);
  CHECK(bytes.look(16));
  CHECK_FALSE(bytes.look(16));  // reported once, for it lies there now
}

TEST_CASE("what a reader took is not made up for by what was pushed before") {
  ForeignBytes bytes;
  bytes.begin(0);
  bytes.pushed(100);
  CHECK_FALSE(bytes.look(40));
  CHECK(bytes.look(41));
}

TEST_CASE("a FIFO that is opened anew is looked at anew") {
  ForeignBytes bytes;
  bytes.begin(0);
  bytes.pushed(100);
  bytes.begin(7);
  CHECK(bytes.look(8));
}
