// SPDX-License-Identifier: Apache-2.0
#include "match/message.h"

#include <catch2/catch.hpp>
#include <span>
#include <string>
#include <string_view>

#include "match/pointer.h"

using namespace standpipe::match;

namespace {

Message message_of(std::string_view text) { return {std::as_bytes(std::span(text))}; }
Pointer pointer(std::string_view text) { return std::get<Pointer>(parse_pointer(text)); }

}  // namespace

TEST_CASE("a payload is parsed when that is first asked for, and once") {
  Json json;
  json.parse("{\"a\":1}");
  const std::string text = "{\"a\":2}";
  Look look(message_of(text), json, {.match_max = 100});
  CHECK(json.find(pointer("/a")).shown() == "1");  // nobody has asked yet
  CHECK(look.verdict() == Json::Verdict::good);
  CHECK(look.json().find(pointer("/a")).shown() == "2");
  json.parse("none");
  CHECK(look.verdict() == Json::Verdict::good);  // as it was
}

TEST_CASE("what is no document is found once, too") {
  Json json;
  const std::string text = "{";
  Look look(message_of(text), json, {.match_max = 100});
  CHECK(look.verdict() == Json::Verdict::broken);
  json.parse("{}");
  CHECK(look.verdict() == Json::Verdict::broken);
}

TEST_CASE("a payload that is larger than the limit is too large to look into") {
  Json json;
  const std::string text(10, 'x');
  CHECK_FALSE(Look(message_of(text), json, {.match_max = 10}).is_too_large());
  CHECK(Look(message_of(text), json, {.match_max = 9}).is_too_large());
  CHECK(Look(message_of(text), json, {.match_max = 9}).size() == 10);
  CHECK(Look(message_of(text), json, {.match_max = 9}).text() == text);
}
