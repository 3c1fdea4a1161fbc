// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "kit.h"

using standpipe::testing::Host;
using standpipe::testing::Pairs;

namespace {

constexpr auto kReading =
    R"({"device": "d7", "temp":21.50, "id":18446744073709551616, "in":{"room": 3, "pin":"0000"}})";

struct Made {
  std::string payload;
  Pairs meta;
  std::string reason;
};

// What becomes of one message; it is settled with what was made of it, or with the reason.
Made made(const kit::Options& options, const kit::Message& message) {
  Host host;
  kit::Handler transform(kit::load("transform"), host, options);
  REQUIRE(transform.created.reason == "");
  REQUIRE(transform.open().ok());
  const auto answer = transform.handle_messages({message});
  REQUIRE(answer.settled == 1);
  if (answer.outcomes[0] == STANDPIPE_REJECT) return {"", {}, answer.reasons[0]};
  REQUIRE(answer.all(STANDPIPE_DELIVERED));
  REQUIRE(answer.emitted.size() == 1);
  CHECK(answer.emitted[0].of == 0);
  return {answer.emitted[0].payload, answer.emitted[0].meta, ""};
}
std::string payload(const kit::Options& options, const std::string& text = kReading) {
  const auto it = made(options, {text});
  return it.payload + it.reason;
}
std::string refusal(const kit::Options& options) {
  Host host;
  kit::Handler transform(kit::load("transform"), host, options);
  return transform.created.fatal() ? transform.created.reason : "made";
}

}  // namespace

TEST_CASE("transform picks, removes, renames and sets fields, and all else keeps its bytes") {
  CHECK(payload({{"pick", "[/temp, /in/room]"}}) == R"({"temp":21.50,"in":{"room": 3}})");
  CHECK(payload({{"remove", "[/in, /device]"}}) == R"({"temp":21.50, "id":18446744073709551616})");
  CHECK(payload({{"pick", "[/temp]"}, {"rename", "{/temp: celsius}"}}) == R"({"celsius":21.50})");
  CHECK(payload({{"pick", "[/id]"}, {"set", "{/site: berlin}"}}) ==
        R"({"id":18446744073709551616,"site":"berlin"})");
  CHECK(payload({{"pick", "[/none]"}}) == "{}");
}

TEST_CASE("the steps of transform come in their order, and templates see the message as it came") {
  const auto all = payload({{"pick", "[/temp, /in]"},
                            {"remove", "[/in/pin]"},
                            {"rename", "{/in: at, /temp: t}"},
                            {"set", "{/at/device: {json:/device}, /temp: {json:/temp}}"}});
  CHECK(all == R"({"t":21.50,"at":{"room": 3,"device":"d7"},"temp":21.50})");
}

TEST_CASE("what is set is JSON where it is JSON, and a text where not") {
  const auto set = [](const std::string& value) {
    return payload({{"pick", "[/x]"}, {"set", "{/x: " + value + "}"}});
  };
  CHECK(set("5.0") == R"({"x":5.0})");
  CHECK(set("null") == R"({"x":null})");
  CHECK(set("[1]") == R"({"x":[1]})");
  CHECK(set("\"5\"") == R"({"x":"5"})");
  CHECK(set("5 apples") == R"({"x":"5 apples"})");
  CHECK(set("{{\"a\":1}}") == R"({"x":{"a":1}})");
  CHECK(set("{json:/id}") == R"({"x":18446744073709551616})");
  CHECK(set("{json:/in}") == R"({"x":{"room": 3, "pin":"0000"}})");
  CHECK(set("{json:/device}!") == R"({"x":"d7!"})");
  CHECK(set("{sequence}") == R"({"x":"1"})");
  CHECK(set("{json:/none}") == "{}");
  CHECK(set("{json:/none|some}") == R"({"x":"some"})");
  CHECK(set("{json:/none} or so") == "{}");
}

TEST_CASE("transform rejects what it cannot change, with the reason, or passes it on if told to") {
  const kit::Options remove = {{"remove", "[/a]"}};
  CHECK(payload(remove, "hello") == "its payload is no JSON");
  CHECK(payload(remove, "") == "its payload is no JSON");
  CHECK(payload(remove, "[1,]") == "its payload is no JSON");
  CHECK(payload(remove, "17") == "its payload is JSON, but neither an object nor a list");
  CHECK(payload(remove, '"' + std::string(1 << 20, 'x') + '"') ==
        "its payload is larger than 1 MiB, so it is not taken for JSON");
  CHECK(payload({{"set", "{/a/b: 1}"}}, R"({"a":7})") ==
        "there is no place for /a/b in it: what is on the way is neither an object nor a list with "
        "such an item");
  CHECK(payload({{"remove", "[/a]"}, {"not_json", "pass"}}, "hello") == "hello");
}

TEST_CASE("a template makes the whole payload") {
  CHECK(payload({{"template", "{time} {source}#{sequence} {json:/device}{json:/none}: {size}"}}) ==
        "2024-05-01T12:00:00.250Z orders#1 d7: 89");
  CHECK(payload({{"template", "<{payload}>"}}, "hello") == "<hello>");
}

TEST_CASE("metadata is added, and left out where the message lacks it") {
  const auto it =
      made({{"add_meta",
             "{device: {json:/device}, kind: reading, none: {json:/none}, k: {meta:key|no}}"}},
           {.payload = kReading, .meta = {{"key", "v"}}});
  CHECK(it.payload == kReading);
  auto meta = it.meta;
  std::sort(meta.begin(), meta.end());
  CHECK(meta == Pairs{{"device", "d7"}, {"k", "v"}, {"key", "v"}, {"kind", "reading"}});
}

TEST_CASE("transform waits where there is no room, and rejects what will never fit") {
  Host host;
  kit::Handler transform(kit::load("transform"), host, {{"template", "{payload}{payload}"}});
  REQUIRE(transform.open().ok());
  host.emit_room = 1;
  host.emit_bytes_max = 4;
  const auto answer = transform.handle({"ab", "cd"});
  CHECK((answer.ok() && answer.settled == 1));
  host.emit_room = 9;
  CHECK(transform.handle({"abc", "d"}).outcomes ==
        std::vector<std::uint8_t>{STANDPIPE_REJECT, STANDPIPE_DELIVERED});
}

TEST_CASE("transform refuses options that mean nothing, and says so if it has none") {
  CHECK(refusal({{"pick", "[device]"}}) ==
        "pick: 'device' is no JSON pointer: it begins with a slash, as in /device/id, and in names "
        "~1 stands for a slash and ~0 for a tilde");
  CHECK(refusal({{"set", "{/a: {jsn:/b}}"}}).starts_with("set: unknown placeholder {jsn:/b}"));
  CHECK(refusal({{"template", "x"}, {"remove", "[/a]"}}) ==
        "template: it makes the whole payload, so there is nothing for pick, remove, rename and "
        "set; use one or the other");
  CHECK(refusal({{"add_meta", "{" + std::string(256, 'n') + ": v}"}}) ==
        "add_meta: a name has 1 to 255 bytes");
  Host host;
  kit::Handler transform(kit::load("transform"), host);
  REQUIRE(transform.open().ok());
  CHECK(host.reported.at(0).starts_with("warning: it changes nothing"));
}
