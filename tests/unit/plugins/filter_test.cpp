// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "kit.h"

using standpipe::testing::Host;

namespace {

using Texts = std::vector<std::string>;
using Outcomes = std::vector<std::uint8_t>;
constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr auto kNoon = standpipe::testing::kNoon;

struct Filtering {
  explicit Filtering(const kit::Options& options) : filter(kit::load("filter"), host, options) {
    REQUIRE(filter.created.reason == "");
    REQUIRE(filter.open().ok());
  }
  // What passes of these.
  Texts passed(std::vector<kit::Message> messages) {
    const auto answer = filter.handle_messages(std::move(messages));
    REQUIRE(answer.ok());
    Texts texts;
    for (const auto& made : answer.emitted) {
      CHECK(answer.outcomes[made.of] == STANDPIPE_DELIVERED);
      texts.push_back(made.payload);
    }
    CHECK(std::count(answer.outcomes.begin(), answer.outcomes.end(), STANDPIPE_FILTERED) ==
          static_cast<std::ptrdiff_t>(answer.settled - texts.size()));
    return texts;
  }
  Host host;
  kit::Handler filter;
};

std::vector<kit::Message> numbered(std::size_t count) {
  std::vector<kit::Message> messages;
  for (std::size_t i = 0; i < count; ++i) messages.push_back({std::to_string(i)});
  return messages;
}
std::string refusal(const kit::Options& options) {
  Host host;
  kit::Handler filter(kit::load("filter"), host, options);
  return filter.created.fatal() ? filter.created.reason : "made";
}

}  // namespace

TEST_CASE("a sample has about its share, and always the same messages") {
  Filtering quarter(kit::Options{{"sample", "1/4"}});
  const auto some = quarter.passed(numbered(10'000));
  CHECK((some.size() > 2300 && some.size() < 2700));
  Filtering again(kit::Options{{"sample", "25%"}});
  CHECK(again.passed(numbered(10'000)) == some);
  Filtering larger(kit::Options{{"sample", "50%"}});
  const auto more = larger.passed(numbered(10'000));
  CHECK(std::includes(more.begin(), more.end(), some.begin(), some.end(),
                      [](const auto& a, const auto& b) { return std::stoi(a) < std::stoi(b); }));
  CHECK(Filtering(kit::Options{{"sample", "100%"}}).passed(numbered(100)).size() == 100);
  CHECK(Filtering(kit::Options{{"sample", "1/1"}}).passed(numbered(100)).size() == 100);
}

TEST_CASE("a sample by a value has all messages of that value or none, and those without it") {
  Filtering by({{"sample", "1/2"}, {"sample_by", "{meta:device}"}});
  std::vector<kit::Message> messages;
  for (int i = 0; i < 400; ++i) {
    const auto device = std::to_string(i % 100);
    messages.push_back({.payload = device, .meta = {{"device", device}}});
  }
  messages.push_back({"none"});
  const auto passed = by.passed(messages);
  CHECK((passed.size() > 100 && passed.size() < 300));
  CHECK(passed.back() == "none");
  for (const auto& device : passed)
    if (device != "none") CHECK(std::count(passed.begin(), passed.end(), device) == 4);
}

TEST_CASE("a duplicate is filtered until its window is over") {
  Filtering it({{"dedup_by", "{json:/id}"}, {"dedup_window", "10s"}});
  CHECK(it.passed({{R"({"id":1,"n":1})"}, {R"({"id":2,"n":1})"}, {R"({"id":1.0,"n":2})"}}).size() ==
        2);
  CHECK(it.passed({{R"({"id":1,"n":3})", 0, kNoon + 9 * kSecond}}).empty());
  CHECK(it.passed({{R"({"id":1,"n":4})", 0, kNoon + 10 * kSecond}}).size() == 1);
  CHECK(it.passed({{R"({"id":1,"n":5})", 0, kNoon + 19 * kSecond}}).empty());
  CHECK(it.passed({{"no JSON"}, {"no JSON"}, {"{}"}}).size() == 3);
}

TEST_CASE("a message is no duplicate of itself, however often it comes") {
  Filtering it(kit::Options{{"dedup_by", "{payload}"}});
  it.host.emit_room = 1;
  auto first = it.filter.handle({"a", "b", "b"});
  CHECK((first.ok() && first.settled == 1));
  it.host.emit_room = 9;
  const auto second = it.filter.handle_messages({{"b", 2}, {"b", 3}});
  CHECK(second.outcomes == Outcomes{STANDPIPE_DELIVERED, STANDPIPE_FILTERED});
  CHECK(it.filter.replay().outcomes == Outcomes{STANDPIPE_DELIVERED, STANDPIPE_FILTERED});
  const auto elsewhere = it.filter.handle_messages({{"b", 2}}, "returns");
  CHECK(elsewhere.outcomes == Outcomes{STANDPIPE_FILTERED});
}

TEST_CASE("so many values are remembered, and the oldest is forgotten") {
  Filtering it({{"dedup_by", "{payload}"}, {"dedup_count", "2"}});
  CHECK(it.passed({{"a"}, {"b"}, {"a"}, {"c"}, {"b"}, {"a"}}) == Texts{"a", "b", "c", "a"});
}

TEST_CASE("inverted, the rest passes") {
  Filtering duplicates({{"dedup_by", "{payload}"}, {"invert", "true"}});
  CHECK(duplicates.passed({{"a"}, {"b"}, {"a"}}) == Texts{"a"});
  Filtering some(kit::Options{{"sample", "1/4"}});
  Filtering others({{"sample", "1/4"}, {"invert", "true"}});
  CHECK(some.passed(numbered(1000)).size() + others.passed(numbered(1000)).size() == 1000);
}

TEST_CASE("filter refuses what is no share, and values that all messages have in common") {
  for (const auto wrong : {"0%", "101%", "1/0", "2/3", "1/2.5", "half", "%", "1/", "nan%", "-5%"})
    CHECK(refusal({{"sample", wrong}})
              .starts_with("sample: '" + std::string(wrong) + "' is no share; write 1/N"));
  CHECK(refusal({{"dedup_by", "id"}}).starts_with("dedup_by: it has no placeholder"));
  CHECK(refusal({{"sample_by", "{payload}"}}) ==
        "sample_by: it says what a sample goes by; give sample, too");
  Filtering nothing(kit::Options{});
  CHECK(nothing.passed({{"a"}, {"a"}}).size() == 2);
  CHECK(nothing.host.reported.at(0).starts_with("warning: it passes everything on"));
}
