// SPDX-License-Identifier: Apache-2.0
#include "deliver/late_outcomes.h"

#include <standpipe/plugin.h>

#include <catch2/catch.hpp>
#include <string>

#include "plugin/handler.h"

using namespace standpipe;
using deliver::LateOutcomes;

namespace {

std::string text(const std::deque<deliver::LateOutcome>& all) {
  std::string text;
  for (const auto& o : all)
    text += (text.empty() ? "" : ", ") + std::to_string(o.ticket) + ": " + std::to_string(o.first) +
            "+" + std::to_string(o.count) + " " + std::to_string(o.outcome) + o.why;
  return text;
}

}  // namespace

TEST_CASE("outcomes of messages in a row become one, if they are the same") {
  LateOutcomes late;
  late.push(7, 0, 1, STANDPIPE_DELIVERED, "");
  late.push(7, 1, 2, STANDPIPE_DELIVERED, "");
  late.push(7, 4, 1, STANDPIPE_DELIVERED, "");  // not in a row
  late.push(7, 5, 1, STANDPIPE_REJECT, "a");
  late.push(7, 6, 1, STANDPIPE_REJECT, "b");           // for another reason
  late.push(8, 7, 1, STANDPIPE_REJECT, "b");           // of another call
  late.push(8, 8, UINT32_MAX, STANDPIPE_REJECT, "b");  // more than there can be
  CHECK(text(late.take(0)) ==
        "7: 0+3 0, 7: 4+1 0, 7: 5+1 2a, 7: 6+1 2b, 8: 7+1 2b, 8: 8+4294967295 2b");
  CHECK(late.take(0).empty());
}

TEST_CASE("the loop is woken once for all that it has not taken") {
  LateOutcomes late;
  CHECK(late.push(1, 0, 1, STANDPIPE_DELIVERED, ""));
  CHECK_FALSE(late.push(1, 5, 1, STANDPIPE_DELIVERED, ""));
  (void)late.take(0);
  CHECK(late.push(1, 7, 1, STANDPIPE_DELIVERED, ""));
}

TEST_CASE("a plugin that asks for a tick wakes the loop, and settles nothing") {
  LateOutcomes late;
  CHECK(late.push(plugin::kNoTicket, 0, 0, STANDPIPE_DELIVERED, ""));
  CHECK_FALSE(late.push(1, 5, 1, STANDPIPE_DELIVERED, ""));
  CHECK(late.has_some());
  CHECK(late.take_wants_tick());
  CHECK_FALSE(late.take_wants_tick());
  CHECK(text(late.take(0)) == "1: 5+1 0");
  CHECK_FALSE(late.has_some());
  CHECK(late.push(plugin::kNoTicket, 0, 0, STANDPIPE_DELIVERED, ""));
}

TEST_CASE("what is said of a call that is in progress waits for it") {
  LateOutcomes late;
  late.push(2, 0, 1, STANDPIPE_DELIVERED, "");
  late.push(1, 0, 1, STANDPIPE_DELIVERED, "");
  late.push(2, 3, 1, STANDPIPE_FILTERED, "");
  CHECK(text(late.take(2)) == "1: 0+1 0");
  CHECK(text(late.take(0)) == "2: 0+1 0, 2: 3+1 3");
}

TEST_CASE("a plugin that settles more than it can have taken is refused, and that is counted") {
  LateOutcomes late;
  for (std::uint32_t i = 0; i < LateOutcomes::kMax + 3; ++i)
    late.push(1, 2 * i, 1, STANDPIPE_DELIVERED, std::string(600, 'x'));
  CHECK(late.take_refused() == 3);
  CHECK(late.take_refused() == 0);
  const auto all = late.take(0);
  CHECK(all.size() == LateOutcomes::kMax);
  CHECK(all.front().why.size() == LateOutcomes::kReasonBytesMax);
}
