// SPDX-License-Identifier: Apache-2.0
#include "deliver/account.h"

#include <catch2/catch.hpp>

using namespace standpipe::deliver;

namespace {

// Ten came in: six matched, of four that did not the unmatched handler was given some.
Account account_of(std::uint64_t taken) {
  Account account;
  account.sources.push_back(
      {"in",
       {.accepted = 10, .matched = 6, .unmatched = 4, .unmatched_taken = taken},
       taken ? "rest" : ""});
  account.lines.push_back({"in", "out", {.matched = 6, .delivered = 5, .unacknowledged = 2}, 1});
  if (taken)
    account.lines.push_back({"in", "rest", {.matched = taken, .delivered = taken}, 0, taken});
  return account;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("what the unmatched handler was given is not called matched, and the account closes") {
  const auto account = account_of(4);
  CHECK(account.closes());
  CHECK(account.text() ==
        "account closes: 10 = delivered 9 + filtered or dropped 0 + in flight 1\n"
        "  in          accepted 10 = matched 6 + unmatched 4 (to rest)\n"
        "  in -> out   matched 6 = delivered 5 + in flight 1\n"
        "  in -> rest  unmatched 4 = delivered 4\n");
  CHECK(has(account.json(),
            R"("matched":6,"unmatched":4,"unmatched_taken":4,"unmatched_to":"rest")"));
  CHECK(has(account.json(), R"("handler":"rest","matched":0,"unmatched":4,"delivered":4)"));
}

TEST_CASE(
    "where unmatched messages went is reported: dropped, or both ways, or beside what a route "
    "brought") {
  CHECK(has(account_of(0).text(), " + unmatched 4 (dropped)\n"));
  CHECK(has(account_of(3).text(), " + unmatched 4 (3 to rest, 1 dropped)\n"));
  auto account = account_of(4);
  account.lines[1].tally = {.matched = 6, .delivered = 6};
  CHECK(has(account.text(), "  in -> rest  matched 2 + unmatched 4 = delivered 6\n"));
}

TEST_CASE("messages that were too large to be looked into are counted beside the account") {
  auto account = account_of(0);
  CHECK_FALSE(has(account.text(), "match_max"));
  account.sources[0].counters.above_match_max = 2;
  CHECK(has(account.text(), "; above match_max 2 (not looked into)\n"));
  CHECK(has(account.json(), R"("above_match_max":2)"));
  account.sources[0].counters.too_long_for_patterns = 3;
  CHECK(has(account.text(), "; too long for patterns 3 (not tried)\n"));
  CHECK(has(account.json(), R"("too_long_for_patterns":3)"));
  CHECK(account.closes());
}

TEST_CASE("what readers took last before they left stands for programs, and disquiets nobody") {
  CHECK(has(account_of(4).json(), R"("unacknowledged":2)"));
  CHECK_FALSE(has(account_of(4).text(), "unacknowledged"));
}
