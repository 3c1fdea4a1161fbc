// SPDX-License-Identifier: Apache-2.0
#include "deliver/making.h"

#include <catch2/catch.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deliver/one_handler.h"

using namespace standpipe;
using namespace standpipe::deliver;

namespace {

// Has room as long as the test says so, and writes down what comes.
class Sink final : public MessageSink {
 public:
  std::optional<MakeCredit> room(std::uint64_t bytes) override {
    wanted.push_back(bytes);
    if (!has_room) return std::nullopt;
    return MakeCredit{.messages = 100,
                      .bytes = std::max<std::uint64_t>(bytes, 1000),
                      .bytes_max = 8000,
                      .message_size_max = 4000,
                      .next_sequence = 1};
  }
  void append(std::span<const MadeMessage> messages) override {
    for (const auto& m : messages)
      appended.emplace_back(reinterpret_cast<const char*>(m.payload.data()), m.payload.size());
  }
  void call_is_over() override { ++calls; }
  std::uint64_t message_size_max() const override { return 4000; }
  void keep_resume(std::string_view text) override { kept = text; }

  bool has_room = true;
  std::vector<std::uint64_t> wanted;
  std::vector<std::string> appended;
  std::string kept;
  int calls = 0;
};

// A handler with a batch of three messages, whose plugin makes what the test says.
class Fixture : public test::OneHandler {
 public:
  Fixture() : OneHandler({"a", "b", "c"}) {
    flight.point();
    plugin::Handler::prepare(flight.result, 3);
    batch.give_ticket(1);
    REQUIRE(making.prepare());
    maker.begin(making.credit(), &view);
  }
  std::uint32_t make(std::string_view payload, std::uint32_t of) {
    const standpipe_out out{sizeof out, 0, reinterpret_cast<const std::uint8_t*>(payload.data()),
                            payload.size(), nullptr};
    return maker.take(of, out);
  }
  // The call comes back, with these outcomes of the messages before `at`.
  void comes_back(std::vector<std::uint8_t> outcomes) {
    maker.end();
    std::copy(outcomes.begin(), outcomes.end(), flight.outcomes);
    flight.result.at = static_cast<std::uint32_t>(outcomes.size());
    making.take(flight, 3, now);
    const plugin::Answer well;
    const Outcomes told(batch, flight, well, now);
    (void)settlement.settle(told, making.was_full());
    making.append(told, settlement);
    (void)making.end();
    making.region().clear();
  }

  static constexpr Nanoseconds now{5};
  Sink sink;
  test::Quiet reporter;
  std::string name = "it";
  HandlerNeeds its_needs = needs(clock, one.memory);
  PluginHost host{name, its_needs};
  Blame blame{one.memory, options, 0};
  TakenMessages taken{one.memory, name};
  Settlement settlement{options, its_needs, host, blame, &taken};
  Making making{sink, "it", false, reporter};
  MessageMaker maker{making.region()};
  Flight flight{};
  standpipe_batch view = [] {
    standpipe_batch made{};
    made.size = sizeof made;
    made.count = 3;
    return made;
  }();
};

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("What is made of a message goes on with its outcome, unless it is tried again") {
  Fixture f;
  f.make("of a", 0);
  f.make("of b", 1);
  f.make("more of a", 0);
  f.make("of c", 2);
  f.make("of none", STANDPIPE_OF_NONE);
  SECTION("delivered, filtered and rejected") {
    f.comes_back({STANDPIPE_DELIVERED, STANDPIPE_FILTERED, STANDPIPE_REJECT});
    CHECK(f.sink.appended == Texts{"of a", "of b", "more of a", "of c", "of none"});
  }
  SECTION("one is tried again") {
    f.comes_back({STANDPIPE_RETRY, STANDPIPE_DELIVERED, STANDPIPE_DELIVERED});
    CHECK(f.sink.appended == Texts{"of b", "of c", "of none"});
  }
  SECTION("it came as far as the second") {
    f.comes_back({STANDPIPE_DELIVERED});
    CHECK(f.sink.appended == Texts{"of a", "more of a", "of none"});
    CHECK_FALSE(f.making.was_full());
  }
  CHECK(f.sink.calls == 1);
}

TEST_CASE("What is made of a rejected message whose letter cannot be kept waits with it") {
  Fixture f;
  f.disk_is_full = true;
  f.make("of a", 0);
  f.make("of b", 1);
  f.comes_back({STANDPIPE_REJECT, STANDPIPE_DELIVERED, STANDPIPE_DELIVERED});
  CHECK(f.sink.appended == Texts{"of b"});
  CHECK(f.delivery().redeliveries().size() == 1);
}

TEST_CASE("A message that is settled later emits nothing, and is tried again") {
  Fixture f;
  f.make("of a", 0);
  f.make("of b", 1);
  f.comes_back({STANDPIPE_TAKEN, STANDPIPE_DELIVERED, STANDPIPE_TAKEN});
  CHECK(f.sink.appended == Texts{"of b"});
  CHECK(f.flight.outcomes[0] == STANDPIPE_RETRY);
  CHECK(f.flight.outcomes[2] == STANDPIPE_TAKEN);
  REQUIRE(f.reporter.reported.size() == 1);
  CHECK(f.reporter.reported[0].find("settles later") != std::string::npos);
}

TEST_CASE("Who had no room for the first message's is given more") {
  Fixture f;
  const std::string large(600, 'x');
  REQUIRE(f.make(large, 0) == STANDPIPE_PUT_OK);
  REQUIRE(f.make(large, 0) == STANDPIPE_PUT_FULL);
  f.comes_back({});
  CHECK(f.making.was_full());
  CHECK(f.sink.appended.empty());
  REQUIRE(f.batch.fill_next(f.delivery()));  // at once, and without another attempt
  CHECK(f.batch.attempt() == 1);
  REQUIRE(f.making.prepare());
  CHECK(f.sink.wanted.back() >= 2000);
  f.maker.begin(f.making.credit(), &f.view);
  CHECK(f.make(large, 0) == STANDPIPE_PUT_OK);
  CHECK(f.make(large, 0) == STANDPIPE_PUT_OK);
  f.comes_back({STANDPIPE_DELIVERED});
  CHECK(f.sink.appended == Texts{large, large});
  CHECK_FALSE(f.making.was_full());
}

TEST_CASE("Without room no call is made") {
  Fixture f;
  f.sink.has_room = false;
  CHECK_FALSE(f.making.prepare());
  CHECK(f.making.credit().messages == 0);
}

TEST_CASE("What a source puts goes on as it came, and then where it goes on") {
  Fixture f;
  f.maker.begin(f.making.credit());
  f.make("one", STANDPIPE_OF_NONE);
  f.make("two", STANDPIPE_OF_NONE);
  f.maker.resume("at 2");
  f.maker.end();
  f.making.take(f.now);
  f.making.append();
  CHECK(f.making.end() == 2);
  CHECK(f.sink.appended == Texts{"one", "two"});
  CHECK(f.sink.kept == "at 2");
}

TEST_CASE("More than it was given is nonsense, and then nothing of the batch is handled") {
  Fixture f;
  f.make("of a", 0);
  auto credit = f.making.credit();
  credit.bytes = 4000;
  f.maker.begin(credit, &f.view);
  REQUIRE(f.make(std::string(2000, 'x'), 1) == STANDPIPE_PUT_OK);
  f.comes_back({STANDPIPE_DELIVERED, STANDPIPE_DELIVERED, STANDPIPE_DELIVERED});
  CHECK(f.sink.appended.empty());
  CHECK(f.flight.result.at == 0);
  REQUIRE(f.reporter.reported.size() == 1);
  CHECK(f.reporter.reported[0].find("nonsense") != std::string::npos);
}
