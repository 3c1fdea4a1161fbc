// SPDX-License-Identifier: Apache-2.0
#include "deliver/call_limit.h"

#include <catch2/catch.hpp>

using namespace standpipe;
using namespace std::chrono_literals;
using deliver::CallKind;
using deliver::CallLimit;

TEST_CASE("calls that work on messages have the handler's timeout, and others have none") {
  CallLimit limit(2s);
  CHECK(limit.most() == 0s);
  for (const auto kind : {CallKind::handle, CallKind::tick, CallKind::poll}) {
    limit.begin(kind, 10s);
    CHECK(limit.most() == 2s);
    CHECK_FALSE(limit.is_overdue(12s));
    CHECK(limit.is_overdue(12s + 1ns));
    limit.end();
    CHECK_FALSE(limit.is_overdue(1h));
  }
  limit.begin(CallKind::open, 10s);
  CHECK(limit.most() == 0s);
  CHECK_FALSE(limit.is_overdue(1h));
}

TEST_CASE("a call that the loop waits for may not take for ever") {
  CallLimit limit(0s);
  limit.set_waited_for(true);
  CHECK(limit.most() == 0s);  // there is none yet
  limit.begin(CallKind::create, 10s);
  CHECK(limit.most() == CallLimit::kRunMost);
  CHECK(limit.is_overdue(10s + CallLimit::kRunMost + 1ns));
  limit.set_waited_for(false);
  CHECK_FALSE(limit.is_overdue(1h));
}

TEST_CASE("a call is known by its number, as long as it is in progress") {
  CallLimit limit(2s);
  CHECK_FALSE(limit.is_in(0));
  limit.begin(CallKind::handle, 1s);
  CHECK(limit.is_in(1));
  limit.end();
  CHECK_FALSE(limit.is_in(1));
  limit.begin(CallKind::handle, 1s);
  CHECK_FALSE(limit.is_in(1));
  CHECK(limit.is_in(2));
}

TEST_CASE("it is looked a quarter of the limit later, within bounds") {
  for (const auto& [timeout, look] :
       {std::pair<Nanoseconds, Nanoseconds>{400ms, 100ms}, {1ms, 20ms}, {1h, 250ms}}) {
    CallLimit limit(timeout);
    limit.begin(CallKind::handle, 10s);
    CHECK(limit.look_after(true, 10s) == look);
  }
}

TEST_CASE("whoever looks sleeps when no call has had a limit for a while, and is woken then") {
  CallLimit limit(1s);
  CHECK_FALSE(limit.look_after(true, 10s));
  CHECK_FALSE(limit.wants_look());  // no call is in progress
  limit.begin(CallKind::handle, 10s);
  CHECK(limit.wants_look());
  CHECK(limit.look_after(true, 10s));
  CHECK_FALSE(limit.wants_look());
  limit.end();
  CHECK(limit.look_after(true, 11s));  // another may come at once
  CHECK_FALSE(limit.look_after(true, 11s + CallLimit::kLookMost));
  CHECK_FALSE(limit.look_after(false, 10s));
}
