// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "kit.h"

using namespace std::chrono_literals;
using standpipe::testing::Host;
using standpipe::testing::Pairs;

namespace {

using Texts = std::vector<std::string>;
using Outcomes = std::vector<std::uint8_t>;
constexpr std::uint8_t kDelivered = STANDPIPE_DELIVERED;
constexpr std::uint8_t kFiltered = STANDPIPE_FILTERED;
constexpr std::uint8_t kTaken = STANDPIPE_TAKEN;

struct Throttling {
  explicit Throttling(const kit::Options& options)
      : throttle(kit::load("throttle"), host, options) {
    REQUIRE(throttle.created.reason == "");
    REQUIRE(throttle.open().ok());
    REQUIRE(throttle.advance(0s).ok());
  }
  // What has passed since the last time.
  Texts passed() {
    Texts texts;
    for (const auto& made : std::exchange(host.emitted, {})) texts.push_back(made.payload);
    return texts;
  }
  Host host;
  kit::Handler throttle;
};

kit::Message of(const std::string& device, const std::string& payload) {
  return {.payload = payload, .meta = {{"device", device}}};
}

}  // namespace

TEST_CASE("what is above the rate waits, and passes when it is due, in order") {
  Throttling it({{"rate", "10"}, {"burst", "2"}});
  CHECK(it.throttle.handle({"a", "b", "c", "d"}).outcomes ==
        Outcomes{kDelivered, kDelivered, kTaken, kTaken});
  CHECK(it.passed() == Texts{"a", "b"});
  REQUIRE(it.throttle.advance(99ms).ok());
  CHECK(it.passed().empty());
  REQUIRE(it.throttle.advance(1ms).ok());
  CHECK(it.passed() == Texts{"c"});
  CHECK(it.throttle.handle({"e"}).outcomes == Outcomes{kTaken});
  REQUIRE(it.throttle.advance(100ms).ok());
  CHECK(it.passed() == Texts{"d"});
  REQUIRE(it.throttle.advance(100ms).ok());
  CHECK(it.passed() == Texts{"e"});
  CHECK((it.host.taken() == 0 && it.host.settlements.size() == 3));
  for (const auto& settled : it.host.settlements) CHECK(settled.outcome == kDelivered);
}

TEST_CASE("in no second pass more than the rate and the burst, and in the long run the rate") {
  Throttling it({{"rate", "100"}, {"burst", "5"}});
  (void)it.throttle.handle(Texts(1000, "x"));
  std::size_t sum = it.passed().size();
  CHECK(sum == 5);
  for (int second = 0; second < 9; ++second) {
    REQUIRE(it.throttle.advance(1s).ok());
    const auto passed = it.passed().size();
    CHECK(passed == 100);
    sum += passed;
  }
  CHECK(sum == 905);
  REQUIRE(it.throttle.advance(10s).ok());
  CHECK(it.passed().size() == 95);
  CHECK(it.throttle.handle(Texts(7, "y")).outcomes ==
        Outcomes{kDelivered, kDelivered, kDelivered, kDelivered, kDelivered, kTaken, kTaken});
}

TEST_CASE("each value has a rate of its own, and those without one share it") {
  Throttling it({{"rate", "1"}, {"per", "{meta:device}"}, {"when_over", "drop"}});
  const auto answer = it.throttle.handle_messages(
      {of("a", "1"), of("b", "2"), of("a", "3"), {"4"}, {"5"}, of(std::string(300, 'x'), "6")});
  CHECK(answer.outcomes ==
        Outcomes{kDelivered, kDelivered, kFiltered, kDelivered, kFiltered, kFiltered});
  REQUIRE(it.throttle.advance(1s).ok());
  CHECK(it.throttle.handle_messages({of("a", "7"), of("a", "8")}).outcomes ==
        Outcomes{kDelivered, kFiltered});
}

TEST_CASE("so many values are told apart at a time, and the others share a rate") {
  Throttling it(
      {{"rate", "1"}, {"per", "{meta:device}"}, {"when_over", "drop"}, {"max_keys", "2"}});
  const auto all = [&] {
    return it.throttle
        .handle_messages({of("a", ""), of("b", ""), of("c", ""), of("d", ""), of("a", "")})
        .outcomes;
  };
  CHECK(all() == Outcomes{kDelivered, kDelivered, kDelivered, kFiltered, kFiltered});
  REQUIRE(it.throttle.advance(1s).ok());
  CHECK(all() == Outcomes{kDelivered, kDelivered, kDelivered, kFiltered, kFiltered});
}

TEST_CASE("what is above the rate is dead-lettered with the reason, where that is wanted") {
  Throttling it({{"rate", "0.5"}, {"per", "{meta:device}"}, {"when_over", "reject"}});
  const auto answer = it.throttle.handle_messages({of("a", "1"), of("a", "2")});
  CHECK(answer.outcomes == Outcomes{kDelivered, STANDPIPE_REJECT});
  CHECK(answer.reasons[1] == "more than 0.5 messages a second for its {meta:device}");
}

TEST_CASE("what waited has its metadata, and is not settled before there is room for it") {
  Throttling it(kit::Options{{"rate", "10"}});
  (void)it.throttle.handle_messages({of("a", "1"), of("b", "2")});
  (void)it.passed();
  it.host.emit_room = 0;
  REQUIRE(it.throttle.advance(1s).ok());
  CHECK(it.host.taken() == 1);
  const auto full = it.throttle.handle({"3"});
  CHECK((full.ok() && full.settled == 0));
  it.host.emit_room = 1;
  const auto next = it.throttle.handle({"3"});
  CHECK((next.ok() && next.settled == 0));
  REQUIRE(it.host.emitted.size() == 1);
  CHECK(it.host.emitted[0].meta == Pairs{{"device", "b"}});
  it.host.emit_room = 9;
  CHECK(it.throttle.handle({"3"}).all(STANDPIPE_DELIVERED));
  CHECK(it.host.taken() == 0);
}

TEST_CASE("a full log costs no message its turn") {
  Throttling it({{"rate", "1"}, {"burst", "2"}});
  it.host.emit_room = 0;
  CHECK(it.throttle.handle({"1"}).settled == 0);
  CHECK(it.throttle.handle({"1"}).settled == 0);
  it.host.emit_room = 9;
  CHECK(it.throttle.handle({"1", "2"}).all(STANDPIPE_DELIVERED));
}

TEST_CASE("copies of what waits are bounded") {
  Throttling it(kit::Options{{"rate", "1"}});
  const auto answer = it.throttle.handle(Texts(10, std::string(4 << 20, 'x')));
  CHECK((answer.ok() && answer.settled == 5));
  const auto large = it.throttle.handle({std::string(4 << 20, 'x')});
  CHECK((large.ok() && large.settled == 0));
  it.host.emit_bytes_max = 1000;
  REQUIRE(it.throttle.advance(1s).ok());
  CHECK(it.host.settlements.at(0).outcome == STANDPIPE_REJECT);
  CHECK_THAT(it.host.settlements.at(0).reason, Catch::Matchers::Contains("4194304 bytes"));
}

TEST_CASE("a stop does not wait for what waits: it comes again, in order") {
  Throttling it(kit::Options{{"rate", "1"}});
  (void)it.throttle.handle({"1", "2", "3"});
  REQUIRE(it.throttle.flush().ok());
  CHECK(it.host.taken() == 0);
  REQUIRE(it.host.settlements.size() == 2);
  CHECK(it.host.settlements[0].outcome == STANDPIPE_RETRY);
  it.throttle.close();
  REQUIRE(it.throttle.open().ok());
  (void)it.passed();
  (void)it.throttle.handle_messages({{"2", 2}, {"3", 3}});
  REQUIRE(it.throttle.advance(2s).ok());
  CHECK(it.passed() == Texts{"2", "3"});
}

TEST_CASE("a clock that jumps lets few messages pass, and stops none for long") {
  Throttling it(kit::Options{{"rate", "10"}});
  (void)it.throttle.handle(Texts(100, "x"));
  CHECK(it.passed().size() == 1);
  it.host.now += 3'600'000'000'000;
  REQUIRE(it.throttle.advance(100ms).ok());
  CHECK(it.passed().size() <= 21);
  it.host.now -= 7'200'000'000'000;
  REQUIRE(it.throttle.advance(1s).ok());
  const auto passed = it.passed().size();
  CHECK((passed >= 8 && passed <= 10));
}
