// SPDX-License-Identifier: Apache-2.0
#include "worker/succession.h"

#include <catch2/catch.hpp>

using namespace standpipe;
using namespace std::chrono_literals;
using worker::Succession;
using State = Succession::State;

namespace {

constexpr Nanoseconds kNow = 100s;

// Handler 3 leaves, which source 1 feeds, and source 2.
Succession begun() {
  Succession succession;
  succession.begin({.handlers = {3}, .sources = {2}, .feeding = {1}}, kNow, 10s);
  return succession;
}

}  // namespace

TEST_CASE("its states follow each other") {
  auto it = begun();
  CHECK(it.state() == State::draining);
  CHECK_FALSE(it.is_quiet());
  it.quiet(kNow);
  CHECK(it.is_quiet());
  it.close(kNow);
  CHECK(it.is_closing());
  it.end();
  CHECK(it.is_over());
}

TEST_CASE("what is cancelled can begin anew") {
  auto it = begun();
  it.quiet(kNow);
  it.cancel();
  CHECK_FALSE(it.is_under_way());
  CHECK(it.may_read(1));
  it.begin({}, kNow, 10s);
  CHECK(it.state() == State::draining);
  CHECK(it.may_read(1));
}

TEST_CASE("sources of leaving handlers wait, and then all but the leaving ones do") {
  auto it = begun();
  CHECK(it.may_read(0));
  CHECK_FALSE(it.may_read(1));
  CHECK(it.may_read(2));
  it.quiet(kNow);
  CHECK_FALSE(it.may_read(0));
  CHECK_FALSE(it.may_read(1));
  CHECK(it.may_read(2));
  it.has_read(2);
  CHECK(it.to_read().empty());
  CHECK_FALSE(it.may_read(2));
}

TEST_CASE("a leaving handler is waited for as long as it gets on") {
  auto it = begun();
  for (int second = 0; second < 9; ++second)
    CHECK_FALSE(it.has_drained(1, static_cast<std::uint64_t>(second), kNow + second * 1s));
  CHECK_FALSE(it.has_drained(1, 8, kNow + 8900ms));
  CHECK(it.has_drained(0, 9, kNow + 9s));
}

TEST_CASE("a leaving handler that stands still is not waited for") {
  auto it = begun();
  CHECK_FALSE(it.has_drained(1, 7, kNow));
  CHECK_FALSE(it.has_drained(1, 7, kNow + 999ms));
  CHECK(it.has_drained(1, 7, kNow + 1s));
}

TEST_CASE("a leaving handler is not waited for longer than that") {
  auto it = begun();
  for (int second = 0; second < 10; ++second)
    CHECK_FALSE(it.has_drained(1, static_cast<std::uint64_t>(second), kNow + second * 1s));
  CHECK(it.has_drained(1, 10, kNow + 10s));
}

TEST_CASE("calls and closing have times of their own") {
  auto it = begun();
  it.quiet(kNow + 9s);
  CHECK(it.quiet_since() == kNow + 9s);
  CHECK_FALSE(it.is_overdue(kNow + 13s));
  CHECK(it.is_overdue(kNow + 14s));
  it.close(kNow + 13s);
  CHECK_FALSE(it.is_overdue(kNow + 17s));
  CHECK(it.is_overdue(kNow + 18s));
}
