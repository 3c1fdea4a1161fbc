// SPDX-License-Identifier: Apache-2.0
#include "zeromq/flight.h"

#include <catch2/catch.hpp>
#include <optional>
#include <string>
#include <vector>

#include "settling_host.h"

namespace {

using standpipe::Outcome;

struct Fixture {
  SettlingHost host;
  common::TakenWindow window{host.face(), 100, 10000};
  Flight flight{9, false};
  std::uint32_t index = 0;

  void batch(int messages) {
    SentBatch made;
    for (; messages > 0; --messages) made.add(window.add({1, index++, 1}, 10), "payload", true);
    flight.add(std::move(made));
  }
  // The id of what it sends next; 0: nothing.
  std::uint64_t sends() {
    const auto* batch = flight.to_send();
    if (!batch) return 0;
    const auto head = BatchHead::decoded((*batch)[0]);
    REQUIRE(head);
    CHECK(head->session == 9);
    flight.sent();
    return head->id;
  }
  bool answer(std::uint64_t safe, const std::vector<Refusal>& refusals = {},
              std::uint64_t session = 9) {
    return flight.acknowledge({session, safe}, refusals, window);
  }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "batches are sent in their order, and an answer settles all below it") {
  for (int i = 0; i < 3; ++i) batch(2);
  CHECK(sends() == 1);
  CHECK(sends() == 2);
  CHECK(answer(2));
  CHECK(host.settled.size() == 1);
  CHECK(host.settled[0] == Settled{1, 0, 4, static_cast<std::uint32_t>(Outcome::delivered), ""});
  CHECK(sends() == 3);
  CHECK(sends() == 0);
  CHECK(window.messages() == 2);
}

TEST_CASE_METHOD(Fixture, "over a new connection all that is not safe is sent again") {
  for (int i = 0; i < 3; ++i) batch(1);
  while (sends() != 0) {
  }
  CHECK(answer(1));
  flight.send_all_again();
  CHECK(sends() == 2);
  CHECK(sends() == 3);
  CHECK(sends() == 0);
}

TEST_CASE_METHOD(Fixture, "without an answer the first is sent again, and then what is next") {
  for (int i = 0; i < 3; ++i) batch(1);
  CHECK(sends() == 1);
  CHECK(sends() == 2);
  flight.send_first_again();
  CHECK(sends() == 1);
  CHECK(sends() == 3);
  CHECK(sends() == 0);
}

TEST_CASE_METHOD(Fixture,
                 "an answer to another session, or to what was never sent, settles nothing") {
  batch(1);
  batch(1);
  CHECK_FALSE(answer(1));  // it was not sent yet
  CHECK(sends() == 1);
  CHECK_FALSE(answer(1, {}, 8));
  CHECK(host.settled.empty());
  CHECK(answer(7));  // of a peer that counts beyond what it has
  CHECK(window.messages() == 1);
  CHECK_FALSE(answer(1));
}

TEST_CASE_METHOD(Fixture,
                 "a message that the peer refuses is rejected, and its neighbours are not") {
  batch(3);
  CHECK(sends() == 1);
  CHECK(answer(1, {{1, 1, "too large"}, {1, 9, "no such message"}}));
  REQUIRE(host.settled.size() == 3);
  CHECK(host.settled[0].outcome == static_cast<std::uint32_t>(Outcome::delivered));
  CHECK(host.settled[1].outcome == static_cast<std::uint32_t>(Outcome::reject));
  CHECK(host.settled[1].why.find("too large") != std::string::npos);
  CHECK(host.settled[2].outcome == static_cast<std::uint32_t>(Outcome::delivered));
}

TEST_CASE("a batch has a head, and then its frames") {
  SentBatch batch;
  CHECK(batch.empty());
  batch.add(5, "metadata", true);
  batch.add(5, "payload", false);
  batch.add(6, "", true);
  batch.set_head({true, 9, 1, 1});
  REQUIRE(batch.size() == 4);
  CHECK(BatchHead::decoded(batch[0])->has_metadata);
  CHECK((batch[1] == "metadata" && batch[2] == "payload" && batch[3].empty()));
  CHECK((batch.messages() == 2 && batch.first() == 5 && batch.last() == 6));
}
