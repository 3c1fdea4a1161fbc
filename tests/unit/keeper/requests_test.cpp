// SPDX-License-Identifier: Apache-2.0
#include "keeper/requests.h"

#include <catch2/catch.hpp>

using namespace standpipe;
using namespace standpipe::keeper;
using namespace std::chrono_literals;

TEST_CASE("what is wanted can be read back, and what makes no sense cannot") {
  CHECK(Wanted::from(Wanted{2, 41, 7}.text()) == Wanted{2, 41, 7});
  for (const auto* text : {"", "1", "1 2", "1 2 x", "-1 0 0", "1  2"})
    CHECK_FALSE(Wanted::from(text));
}

TEST_CASE("nothing is reported while nothing is wanted") {
  Requests requests;
  CHECK_FALSE(requests.next());
  CHECK_FALSE(requests.due(1s));
}

TEST_CASE("what is wanted is reported at once, and again until it is answered") {
  Requests requests;
  requests.want_reopen();
  CHECK(requests.due(1s) == "0 1 0");
  CHECK_FALSE(requests.due(1s + 50ms));
  CHECK(requests.next() == Nanoseconds(1s + Requests::kRepeat));
  CHECK(requests.due(1s + 100ms) == "0 1 0");
  requests.answered("0 1 0");
  CHECK_FALSE(requests.next());
}

TEST_CASE(
    "what comes while an answer is on its way is reported at once, and the late answer does not "
    "count for it") {
  Requests requests;
  requests.want_reopen();
  CHECK(requests.due(1s) == "0 1 0");
  requests.want_reopen();
  requests.answered("0 1 0");
  CHECK(requests.due(1s + 1ms) == "0 2 0");
  CHECK_FALSE(requests.is_answered());
}

TEST_CASE("the next worker hears of a stop that was answered, and of what was not") {
  Requests requests;
  requests.want_stop(0s);
  requests.want_reload();
  requests.answered("1 0 1");
  requests.want_reopen();
  requests.want_reopen();
  requests.begin_worker();
  CHECK(requests.due(1s) == "1 1 0");
}

TEST_CASE("no more than two requests to stop count") {
  Requests requests;
  for (int i = 0; i < 5; ++i) requests.want_stop(i * 1s);
  CHECK(requests.stop_at_once_is_wanted());
  CHECK(requests.due(1s) == "2 0 0");
}

TEST_CASE("two requests to stop in the same moment are one") {
  Requests requests;
  for (const auto at : {1000ms, 1001ms, 1099ms}) requests.want_stop(at);
  CHECK(requests.due(2s) == "1 0 0");
  requests.want_stop(1300ms);
  CHECK(requests.due(2s) == "2 0 0");
}

TEST_CASE("an answer that makes no sense is none") {
  Requests requests;
  requests.want_stop(0s);
  requests.answered("nonsense");
  CHECK_FALSE(requests.is_answered());
}
