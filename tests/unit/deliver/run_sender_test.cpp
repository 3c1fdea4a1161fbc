// SPDX-License-Identifier: Apache-2.0
#include "deliver/run_sender.h"

#include <catch2/catch.hpp>
#include <string>

#include "deliver/sending_all.h"

using namespace standpipe;
using namespace std::chrono_literals;

namespace {

class RunFixture : public test::SendingAll {
 public:
  void append_all(const std::string& letters) {
    for (const auto letter : letters) append(std::string(1, letter));
  }
  bool send() {
    waiting = {};
    const bool sent = sender.send(clock.now, waiting);
    CHECK_FALSE(memory.pending());
    return sent;
  }

  deliver::InHand in_hand{options, host, taken};
  deliver::RunSender sender{options, its_needs, ring, in_hand, host, settlement};
  deliver::Waiting waiting;
};

}  // namespace

TEST_CASE_METHOD(RunFixture, "a batch's worth goes at once, as one entry") {
  send_all();
  append_all("abc");
  CHECK(send());
  CHECK(out->pending() == 1);
  CHECK(its.next() == log.end());
  CHECK_FALSE(send());
  CHECK(read() == "abc");
}

TEST_CASE_METHOD(RunFixture, "what is for others is passed, and can be trimmed") {
  send_all();
  append("for another", 2);
  CHECK_FALSE(send());
  CHECK(its.next() == log.end());
  CHECK(settlements == 1);
  CHECK(out->pending() == 0);
}

TEST_CASE_METHOD(RunFixture, "what is to be redelivered goes first, when it is due") {
  send_all();
  append_all("abc");
  its.redeliver({.range = give_out(2)}, 3s);
  clock.now = 2s;
  CHECK_FALSE(send());
  CHECK(waiting.until == 3s);
  CHECK(out->pending() == 0);  // nor does anything overtake it
  clock.now = 3s;
  CHECK(send());
  CHECK(its.redeliveries().empty());
  CHECK(send());
  CHECK(read() == "abc");
}

TEST_CASE_METHOD(RunFixture, "of a queue that drops, half of it goes at most") {
  options.queue = {.type = deliver::QueueOptions::Type::memory,
                   .messages_max = 4,
                   .when_full = deliver::QueueOptions::WhenFull::drop_newest};
  send_all();
  append_all("abcdef");
  CHECK(send());
  CHECK(its.next().sequence.number == 3);
  CHECK_FALSE(send());
  CHECK(waiting.for_output);
  CHECK(read() == "ab");
}

TEST_CASE_METHOD(RunFixture, "deliveries take turns, and one in a queue on disk has none") {
  auto& other = ring.add(std::make_unique<deliver::Delivery>("in", "second", 2, log, 0));
  send_all();
  append_all("ab");
  CHECK(send());
  CHECK(other.next() != log.end());
  CHECK(send());
  CHECK(other.next() == log.end());
  append_all("c");
  its.set_queued(true);
  other.set_queued(true);
  CHECK_FALSE(send());
  CHECK(its.next() != log.end());
}
