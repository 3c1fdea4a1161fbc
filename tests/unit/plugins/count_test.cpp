// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "kit.h"

using namespace std::chrono_literals;
using standpipe::testing::Host;

namespace {

using Texts = std::vector<std::string>;

struct Counting {
  explicit Counting(const kit::Options& options) : count(kit::load("count"), host, options) {
    REQUIRE(count.created.reason == "");
    REQUIRE(count.open().ok());
    REQUIRE(count.advance(0s).ok());
  }
  Texts told() const {
    Texts texts;
    for (const auto& made : host.emitted) {
      CHECK(made.of == STANDPIPE_OF_NONE);
      texts.push_back(made.payload);
    }
    return texts;
  }
  std::size_t settled(std::uint32_t outcome) const {
    std::size_t sum = 0;
    for (const auto& settled : host.settlements) sum += settled.outcome == outcome;
    return sum;
  }
  Host host;
  kit::Handler count;
};

std::uint64_t messages_in(const std::string& summary) {
  const auto at = summary.find("\"messages\":");
  REQUIRE(at != summary.npos);
  return std::stoull(summary.substr(at + 11));
}

}  // namespace

TEST_CASE("a summary comes at the end of each window that has messages, and settles them") {
  Counting it(kit::Options{{"every", "10s"}});
  CHECK(it.count.handle({"abc", "d"}).all(STANDPIPE_TAKEN));
  REQUIRE(it.count.advance(9s).ok());
  CHECK(it.count.handle({"ef"}).all(STANDPIPE_TAKEN));
  CHECK((it.told().empty() && it.host.taken() == 3));
  REQUIRE(it.count.advance(1s).ok());
  CHECK(it.told() == Texts{R"({"from":"2024-05-01T12:00:00.250Z",)"
                           R"("to":"2024-05-01T12:00:10.250Z","messages":3,"bytes":6})"});
  CHECK((it.host.taken() == 0 && it.settled(STANDPIPE_DELIVERED) == 3));
  REQUIRE(it.count.advance(60s).ok());
  CHECK(it.told().size() == 1);
  (void)it.count.handle({"x"});
  REQUIRE(it.count.advance(10s).ok());
  CHECK(it.told().back() == R"({"from":"2024-05-01T12:01:10.250Z",)"
                            R"("to":"2024-05-01T12:01:20.250Z","messages":1,"bytes":1})");
}

TEST_CASE("windows without messages are told of where that is wanted") {
  Counting it({{"every", "1m"}, {"empty", "true"}});
  REQUIRE(it.count.advance(2min).ok());
  CHECK(it.told().size() == 2);
  CHECK(messages_in(it.told()[1]) == 0);
}

TEST_CASE("messages are counted by a value, the frequent ones first") {
  Counting it({{"by", "{json:/d}"}, {"max_values", "2"}});
  const auto odd = R"({"d":")" + std::string(300, 'x') + R"("})";
  (void)it.count.handle({R"({"d":"b\""})", R"({"d":7})", R"({"d":"c"})", R"({"d":7.0})", "none"});
  (void)it.count.handle({odd});
  REQUIRE(it.count.advance(10s).ok());
  const auto summary = it.told().at(0);
  CHECK(summary.substr(summary.find("\"messages\"")) ==
        R"("messages":6,"bytes":348,"by":{"7":{"messages":2,"bytes":16},)"
        R"("b\"":{"messages":1,"bytes":11}},"other":{"messages":2,"bytes":317},)"
        R"("missing":{"messages":1,"bytes":4}})");
}

TEST_CASE("what the hub has no room for is told later, and nothing is settled before") {
  Counting it(kit::Options{});
  (void)it.count.handle({"a"});
  it.host.emit_room = 0;
  REQUIRE(it.count.advance(11s).ok());
  CHECK((it.told().empty() && it.host.taken() == 1));
  (void)it.count.handle({"b"});
  it.host.emit_room = 9;
  REQUIRE(it.count.advance(1s).ok());
  REQUIRE(it.told().size() == 1);
  CHECK((messages_in(it.told()[0]) == 2 && it.host.taken() == 0));
}

TEST_CASE("more messages than a handler may take are told in parts") {
  Counting it(kit::Options{});
  for (int i = 0; i < 10; ++i) REQUIRE(it.count.handle(Texts(1000, "x")).all(STANDPIPE_TAKEN));
  CHECK(it.host.taken() <= 5000);
  REQUIRE(it.count.advance(10s).ok());
  const auto told = it.told();
  REQUIRE(told.size() == 2);
  CHECK(messages_in(told[0]) + messages_in(told[1]) == 10'000);
  CHECK(told[0].find(R"(250Z","part":1,"messages")") != std::string::npos);
  CHECK(told[1].find(R"(250Z","part":2,"last":true,"messages")") != std::string::npos);
  CHECK((it.host.taken() == 0 && it.settled(STANDPIPE_DELIVERED) == 10'000));
  CHECK(it.host.ignored == 0);

  for (int i = 0; i < 300; ++i) (void)it.count.handle({"x"});
  CHECK(it.host.taken() <= 128);
  it.host.emit_room = 0;
  std::size_t refused = 0;
  for (int i = 0; i < 300; ++i) refused += it.count.handle({"x"}).settled == 0;
  CHECK((refused > 0 && it.host.taken() <= 129));
}

TEST_CASE("a part that was the last of its window is followed by another one all the same") {
  Counting it(kit::Options{});
  (void)it.count.handle(Texts(4096, "x"));
  (void)it.count.handle({"y"});
  REQUIRE(it.count.advance(10s).ok());
  REQUIRE(it.told().size() == 2);
  CHECK(it.told()[1].find(R"("part":2,"last":true,"messages":1,)") != std::string::npos);
}

TEST_CASE("what is not told when the hub stops is counted by the next run") {
  Counting it(kit::Options{});
  (void)it.count.handle({"a", "b"});
  REQUIRE(it.count.flush().ok());
  CHECK((it.host.taken() == 0 && it.settled(STANDPIPE_RETRY) == 2));
  it.count.close();
  REQUIRE(it.count.open().ok());
  (void)it.count.retry();
  REQUIRE(it.count.advance(10s).ok());
  REQUIRE(it.told().size() == 1);
  CHECK(messages_in(it.told()[0]) == 2);
}

TEST_CASE("after it was closed, what is redelivered is not there twice") {
  Counting it(kit::Options{});
  (void)it.count.handle({"a", "b"});
  it.count.close();
  REQUIRE(it.count.open().ok());
  (void)it.count.replay();
  REQUIRE(it.count.advance(10s).ok());
  REQUIRE(it.told().size() == 1);
  CHECK(messages_in(it.told()[0]) == 2);
}

TEST_CASE("a clock that is set back ends the window") {
  Counting it(kit::Options{});
  (void)it.count.handle({"a"});
  it.host.now -= 3'600'000'000'000;
  REQUIRE(it.count.advance(11s).ok());
  CHECK(it.told().size() == 1);
}
