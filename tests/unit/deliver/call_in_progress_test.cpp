// SPDX-License-Identifier: Apache-2.0
#include "deliver/call_in_progress.h"

#include <catch2/catch.hpp>
#include <string>

using namespace standpipe;
using namespace std::chrono_literals;
using deliver::CallInProgress;
using deliver::CallKind;

TEST_CASE("a call is open until it ends, and what it was about is known until the next begins") {
  CallInProgress call;
  CHECK_FALSE(call.is_open());
  call.begin({.kind = CallKind::tick}, 5s);
  CHECK(call.is_open(CallKind::tick));
  CHECK_FALSE(call.is_open(CallKind::handle));
  CHECK(call.is_with_plugin());
  call.came_back(7s);
  CHECK(call.took() == 2s);
  call.end();
  CHECK_FALSE(call.is_open(CallKind::tick));
  CHECK_FALSE(call.is_with_plugin());
  CHECK(call.kind() == CallKind::tick);
}

TEST_CASE("while its letters are written a call is open, and the plugin has it no more") {
  CallInProgress call;
  call.begin({.kind = CallKind::handle}, 5s);
  call.waits_for_letters(true);
  CHECK(call.is_open(CallKind::handle));
  CHECK(call.waits_for_letters());
  CHECK_FALSE(call.is_with_plugin());
  call.waits_for_letters(false);
  CHECK_FALSE(call.waits_for_letters());
  CHECK(call.is_open());
}

TEST_CASE("where a source goes on is kept for the call that opens it") {
  CallInProgress call;
  {
    const std::string place(100, 'x');
    call.begin({.kind = CallKind::open, .resume = place}, 5s);
  }
  CHECK(call.request().resume == std::string(100, 'x'));
}

TEST_CASE("a call of handle may be written off after a while, once, and no other call") {
  CallInProgress call;
  CHECK_FALSE(call.may_write_off_at());
  call.begin({.kind = CallKind::poll}, 5s);
  CHECK_FALSE(call.may_write_off_at());
  call.begin({.kind = CallKind::handle}, 5s);
  CHECK(call.may_write_off_at() == 5s + CallInProgress::kWrittenOffAfter);
  call.waits_for_letters(true);  // its outcomes are known
  CHECK_FALSE(call.may_write_off_at());
  call.waits_for_letters(false);
  call.write_off();
  CHECK_FALSE(call.may_write_off_at());
  call.end();
  CHECK(call.is_written_off());
  CHECK(call.end_write_off());
  CHECK_FALSE(call.end_write_off());
}

TEST_CASE("what the loop answers itself counts until it is settled, and nobody writes it off") {
  CallInProgress call;
  call.begin_answered({.kind = CallKind::handle}, {STANDPIPE_OK, "nobody had it by then"}, 5s);
  REQUIRE(call.own_answer());
  CHECK(call.own_answer()->reason == "nobody had it by then");
  CHECK_FALSE(call.may_write_off_at());
  call.end();
  CHECK(call.own_answer());
  CHECK(call.end_own_answer());
  CHECK_FALSE(call.own_answer());
  CHECK_FALSE(call.end_own_answer());
}

TEST_CASE("of a call that takes long there is a report now and then, and anew for each call") {
  CallInProgress call;
  CHECK_FALSE(call.remind(1h));
  call.begin({.kind = CallKind::handle}, 100s);
  CHECK_FALSE(call.remind(109s));
  CHECK(call.remind(110s) == 10s);
  CHECK_FALSE(call.remind(111s));
  call.begin({.kind = CallKind::handle}, 112s);
  CHECK(call.remind(123s) == 11s);
}
