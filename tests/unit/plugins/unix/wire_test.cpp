// SPDX-License-Identifier: Apache-2.0
#include "unix/wire.h"

#include <catch2/catch.hpp>

#include "bridge.h"

using namespace unix_socket;

namespace {

// As PROTOCOL.md has it, all numbers little endian.
std::string bytes(std::initializer_list<int> all) {
  std::string out;
  for (const int byte : all) out += static_cast<char>(byte);
  return out;
}

Wire wire(bool has_acks, bool has_metadata) {
  Wire it;
  it.has_acks = has_acks;
  it.has_metadata = has_metadata;
  it.message_max = 1000;
  return it;
}

bridge::Pairs read(std::string_view data, bool expected = true) {
  std::vector<standpipe_pair> pairs;
  CHECK(read_pairs(data, pairs) == expected);
  bridge::Pairs out;
  for (const auto& [name, value] : pairs)
    out.emplace_back(std::string(name.data, name.size), std::string(value.data, value.size));
  return out;
}

}  // namespace

TEST_CASE("a greeting is twelve bytes, and another version is none") {
  const auto greeting = Greeting{true, 0x01020304}.bytes();
  CHECK(greeting == bytes({'S', 'P', 'U', 'X', 1, 1, 0, 0, 4, 3, 2, 1}));
  const auto read = Greeting::read(greeting);
  REQUIRE(read);
  CHECK(read->has_metadata);
  CHECK(read->message_max == 0x01020304);
  CHECK_FALSE(Greeting::read(greeting.substr(0, 11)));
  CHECK_FALSE(Greeting::read(greeting + "x"));
  CHECK_FALSE(Greeting::read(bytes({'S', 'P', 'U', 'X', 2, 1, 0, 0, 4, 3, 2, 1})));
  CHECK_FALSE(Greeting::read("GET / HTTP/1"));
}

TEST_CASE("an answer has its kind, the sequence and a reason, which is cut at its limit") {
  const Answer answer{Answer::Kind::reject, 0x0102, "no"};
  CHECK(answer.bytes(true) == bytes({'r', 2, 1, 0, 0, 0, 0, 0, 0, 'n', 'o'}));
  CHECK(answer.bytes(false) == bytes({11, 0, 0, 0}) + answer.bytes(true));
  const auto packet = answer.bytes(true);
  const auto read = Answer::read(packet);
  REQUIRE(read);
  CHECK((read->kind == Answer::Kind::reject && read->sequence == 0x0102 && read->reason == "no"));
  const std::string long_reason(1000, 'x');
  CHECK(Answer{Answer::Kind::reject, 1, long_reason}.bytes(true).size() == kAnswerBytesMax);
  CHECK_FALSE(Answer::read(bytes({'a', 1, 0, 0, 0, 0, 0, 0})));
  CHECK_FALSE(Answer::read(bytes({'x', 1, 0, 0, 0, 0, 0, 0, 0})));
  CHECK_FALSE(Answer::read(std::string(kAnswerBytesMax + 1, 'a')));
}

TEST_CASE("pairs are read as they were written, and a length beyond the end is refused") {
  std::string data;
  append_pair(data, "key", std::string("\0\xff", 2));
  append_pair(data, "", "");
  CHECK(read(data) == bridge::Pairs{{"key", std::string("\0\xff", 2)}, {"", ""}});
  CHECK(read("").empty());
  for (std::size_t size = 1; size < 13; ++size) {
    INFO(size);
    read(data.substr(0, size), false);
  }
  read(bytes({0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0}) + "xx", false);
  read(bytes({1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}) + "xx", false);
}

TEST_CASE("a message is taken apart as the two ends have agreed") {
  const auto sequence = bytes({7, 0, 0, 0, 0, 0, 0, 0});
  const auto whole = sequence + bytes({2, 0, 0, 0}) + "ppbody";  // which the parts borrow
  const auto parts = Parts::read(wire(true, true), whole);
  REQUIRE(parts);
  CHECK((parts->sequence == 7 && parts->pairs == "pp" && parts->payload == "body"));
  CHECK(Parts::read(wire(false, false), "body")->payload == "body");
  CHECK(Parts::read(wire(true, false), sequence)->payload.empty());
  CHECK_FALSE(Parts::read(wire(true, false), "seven"));
  CHECK_FALSE(Parts::read(wire(false, true), bytes({5, 0, 0, 0}) + "four"));
  CHECK(wire(true, true).head_bytes() == 4 + 8 + 4);
}
