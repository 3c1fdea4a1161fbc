// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <set>

#include "kit.h"

using namespace std::chrono_literals;
using standpipe::testing::Credit;
using standpipe::testing::Host;
using standpipe::testing::Polled;
using standpipe::testing::Source;

namespace {

using Texts = std::vector<std::string>;

Texts payloads(const Polled& polled) {
  Texts texts;
  for (const auto& put : polled.messages) texts.push_back(put.payload);
  return texts;
}

// A source and its host.
struct Generating {  // a braced list of one option could also be a copy: say kit::Options then
  explicit Generating(kit::Options options) : source(kit::load("generate"), host, options) {
    REQUIRE(source.created.ok());
    REQUIRE(source.open().ok());
  }
  Host host;
  Source source;
};

}  // namespace

TEST_CASE("it makes so many messages, says so once, and is quiet then") {
  Generating it({{"rate", "0"}, {"count", "5"}, {"payload", "n={sequence} {{{time}}}"}});
  CHECK(payloads(it.source.poll({.messages = 2})) ==
        Texts{"n=1 {2024-05-01T12:00:00.250Z}", "n=2 {2024-05-01T12:00:00.250Z}"});
  CHECK(it.host.reported.empty());
  CHECK(payloads(it.source.poll()).size() == 3);
  CHECK(it.host.reported == Texts{"info: all 5 messages are made"});
  const auto start = std::chrono::steady_clock::now();
  CHECK(it.source.poll({.wait = 20ms}).messages.empty());
  CHECK(std::chrono::steady_clock::now() - start >= 20ms);
  CHECK(it.host.reported.size() == 1);
}

TEST_CASE("it goes on with the message after the last one that the hub has") {
  Generating it({{"rate", "0"}, {"payload", "{sequence}"}});
  CHECK(it.source.poll({.messages = 3}).resume == "4");
  it.source.close();
  REQUIRE(it.source.open().ok());
  CHECK(payloads(it.source.poll({.messages = 1})) == Texts{"4"});
  Generating over({{"rate", "0"}, {"count", "3"}});
  over.source.close();
  REQUIRE(over.source.open("4").ok());
  CHECK(over.source.poll().messages.empty());
  const auto wrong = over.source.open("page 4");
  CHECK(wrong.fatal());
  CHECK(wrong.reason ==
        "its place in the hub's state is 'page 4', which is no number: it was another plugin's");
}

TEST_CASE("messages are filled up, with the same letters for the same seed and number") {
  const kit::Options options = {{"rate", "0"}, {"payload", "{sequence}:"}, {"size", "20B"}};
  Generating it(options);
  const auto four = payloads(it.source.poll({.messages = 4}));
  CHECK(std::set<std::string>(four.begin(), four.end()).size() == 4);
  for (const auto& text : four) CHECK(text.size() == 20);
  CHECK(four[2].starts_with("3:"));
  Generating again(options);
  REQUIRE(again.source.open("3").ok());
  CHECK(payloads(again.source.poll({.messages = 1}))[0] == four[2]);
  auto other = options;
  other["seed"] = "2";
  Generating differently(other);
  CHECK(payloads(differently.source.poll({.messages = 1}))[0] != four[0]);
}

TEST_CASE("it makes no more a second than it should, and ends a poll by its deadline") {
  Generating it(kit::Options{{"rate", "1000"}});
  const auto start = std::chrono::steady_clock::now();
  std::size_t made = 0;
  while (made < 50) {
    const auto polled = it.source.poll({.wait = 10ms});
    made += polled.messages.size();
    const auto most = (std::chrono::steady_clock::now() - start) / 1ms + 1;
    REQUIRE(static_cast<std::int64_t>(made) <= most);
  }
  Generating seldom(kit::Options{{"rate", "0.001"}});
  CHECK(seldom.source.poll({.messages = 1, .wait = 1h}).messages.size() == 1);
  CHECK(seldom.source.poll({.wait = 5ms}).messages.empty());
}

TEST_CASE("a hub that stops does not wait for the next message") {
  int fds[2];
  REQUIRE(::pipe(fds) == 0);
  REQUIRE(::write(fds[1], "x", 1) == 1);
  Generating it(kit::Options{{"rate", "0.001"}});
  CHECK(it.source.poll({.messages = 1}).messages.size() == 1);
  CHECK(it.source.poll({.wait = 1h, .wake_fd = fds[0]}).messages.empty());
  (void)::close(fds[0]);
  (void)::close(fds[1]);
}

TEST_CASE("what is overdue is made up for, up to a second's messages") {
  Generating it(kit::Options{{"rate", "100"}});
  (void)it.source.poll({.messages = 1, .wait = 1s});
  std::this_thread::sleep_for(1300ms);
  const auto made = it.source.poll({.messages = 1000, .wait = 0ms}).messages.size();
  CHECK(made >= 100);
  CHECK(made <= 102);
}

TEST_CASE("a message that the hub never takes holds the source, and the ones before it are kept") {
  Generating it({{"rate", "0"}, {"payload", "{sequence}"}});
  it.host.emit_bytes_max = 1;
  REQUIRE(it.source.open("9").ok());
  const auto polled = it.source.poll();
  CHECK(polled.fatal());
  CHECK_THAT(polled.reason, Catch::Matchers::Contains("2 bytes of payload"));
  CHECK(payloads(polled) == Texts{"9"});
  CHECK(polled.resume == "10");
}

TEST_CASE("generate refuses a placeholder that it does not know") {
  Host host;
  Source source(kit::load("generate"), host, {{"payload", "{source}"}});
  CHECK(source.created.fatal());
  CHECK(source.created.reason ==
        "payload: there is no placeholder {source} here (known: {sequence}, {time})");
}
