// SPDX-License-Identifier: Apache-2.0
#include "worker/shutdown.h"

#include <catch2/catch.hpp>

using namespace standpipe;
using namespace std::chrono_literals;
using worker::Shutdown;
using State = worker::Shutdown::State;

TEST_CASE("a hub that nobody asked to end is never overdue") {
  Shutdown shutdown;
  CHECK_FALSE(shutdown.has_begun());
  CHECK_FALSE(shutdown.is_overdue(1000s));
  CHECK_FALSE(shutdown.is_closing());
}

TEST_CASE("its states follow each other, and say what is over") {
  Shutdown shutdown;
  shutdown.begin(20s);
  CHECK(shutdown.has_begun());
  CHECK(shutdown.begun());
  CHECK_FALSE(shutdown.is_closing());
  shutdown.close(11s);
  CHECK(shutdown.is_closing());
  CHECK_FALSE(shutdown.has_ended());
  shutdown.save();
  CHECK(shutdown.is_closing());
  shutdown.end();
  CHECK(shutdown.has_ended());
  CHECK(shutdown.state() == State::ended);
}

TEST_CASE("the deadline bounds draining and closing together") {
  Shutdown shutdown;
  shutdown.begin(20s);
  CHECK_FALSE(shutdown.is_overdue(20s - 1ns));
  CHECK(shutdown.is_overdue(20s));
  shutdown.close(15s);
  CHECK(shutdown.deadline() == 20s);
}

TEST_CASE("closing has a second at least, however late it begins, and an impatient person") {
  Shutdown shutdown;
  shutdown.begin(20s);
  shutdown.close(20s);
  CHECK(shutdown.deadline() == 21s);
  shutdown.hurry(20s + 1ms);
  CHECK(shutdown.is_overdue(20s + 1ms));
}

TEST_CASE("what an earlier worker had at rest is saved without being closed again") {
  Shutdown shutdown;
  shutdown.begin(1s);
  shutdown.save();
  CHECK(shutdown.state() == State::saving);
}
