// SPDX-License-Identifier: Apache-2.0
#include "deliver/remaining.h"

#include <standpipe/wire.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>

#include "base/limits.h"
#include "metadata.h"

using namespace standpipe;

namespace {

using Texts = std::vector<std::string>;
constexpr std::uint64_t kA = 1, kB = 2, kBoth = 3, kNobody = 0;

std::string framed(const std::string& payload) {
  std::uint8_t header[STANDPIPE_WIRE_HEADER_BYTES];
  standpipe_wire_put_length(header, static_cast<std::uint32_t>(payload.size()));
  return std::string(reinterpret_cast<const char*>(header), sizeof header) + payload;
}

// One log, and deliveries a and b of it. Verbs: append, give_out, finish, left.
class Fixture {
 public:
  // As one run of the index.
  void append(const Texts& payloads, std::uint64_t set) {
    std::string bytes;
    for (const auto& p : payloads) bytes += framed(p);
    const auto room = log.room(bytes.size());
    REQUIRE(room.size() >= bytes.size());
    std::memcpy(room.data(), bytes.data(), bytes.size());
    log.filled(bytes.size());
    const auto count = static_cast<std::uint32_t>(payloads.size());
    while (!log.add_run(bytes.size(), count, ++time_, 1, {&set, 1}))
      REQUIRE(log.make_room_for_index());
    keeping.commit();
  }
  // The next ones, of payloads that have one byte.
  deliver::Range give_out(deliver::Delivery& d, std::uint64_t count) {
    auto at = d.next();
    const auto piece = log.read(at, d.bit());
    REQUIRE(piece);
    const deliver::Range range{
        piece->begin, {piece->begin.position + 5 * count, piece->begin.sequence + count}, count};
    d.give_out(range);
    return range;
  }
  // "sequence payload handlers time" each.
  Texts left() {
    Texts out;
    const deliver::Delivery* deliveries[] = {&a, &b};
    deliver::Remaining remaining(deliveries);
    while (const auto m = remaining.next()) {
      const std::string frame(reinterpret_cast<const char*>(m->frame.data()), m->frame.size());
      std::string handlers;
      for (const auto i : m->wanted_by) handlers += "ab"[i];
      out.push_back(std::to_string(m->at.sequence.number) + ' ' +
                    frame.substr(STANDPIPE_WIRE_HEADER_BYTES) + ' ' + handlers + " at " +
                    std::to_string(m->accepted_ns));
      if (!m->fields.empty()) out.back() += ' ' + test::fields_text(m->fields);
    }
    return out;
  }

  state::Memory keeping{{.memory_max = 4 * MiB, .logs = 1, .deliveries = 2}};
  log::Arena arena{keeping};
  log::Log log{arena, {.id = 0, .size_max = 4 * MiB, .readers = 2}};
  deliver::Delivery a{"in", "a", 0, log, 0}, b{"in", "b", 1, log, 1};

 private:
  std::uint64_t time_ = 0;
};

}  // namespace

TEST_CASE_METHOD(Fixture, "of an empty log nothing is left") { CHECK(left().empty()); }

TEST_CASE_METHOD(Fixture, "what was never given out is left, to those who want it, in order") {
  append({"1", "2"}, kBoth);
  append({"3"}, kB);
  append({"4"}, kNobody);
  append({"5"}, kA);
  CHECK(left() == Texts{"1 1 ab at 1", "2 2 ab at 1", "3 3 b at 2", "5 5 a at 4"});
}

TEST_CASE_METHOD(Fixture,
                 "what is open is left, and what is final is not, also in the middle of a run") {
  append({"1", "2", "3", "4", "5", "6"}, kBoth);
  const auto given = give_out(a, 5);
  a.finish({given.begin, {given.begin.position + 5, given.begin.sequence + 1}, 1});
  a.finish({{given.begin.position + 10, given.begin.sequence + 2},
            {given.begin.position + 20, given.begin.sequence + 4},
            2});
  b.finish(give_out(b, 5));
  CHECK(left() == Texts{"2 2 a at 1", "5 5 a at 1", "6 6 ab at 1"});
}

TEST_CASE_METHOD(Fixture, "each message has its own metadata, and none that was not given any") {
  append({"1"}, kBoth);
  REQUIRE(test::append_described(log, framed("2"), {{"key", "k2"}}, kBoth, 7));
  REQUIRE(test::append_described(log, framed("3"), {{"key", "k3"}}, kB, 7));
  keeping.commit();
  append({"4"}, kA);
  b.finish(give_out(b, 1));
  CHECK(left() == Texts{"1 1 a at 1", "2 2 ab at 7 key=k2", "3 3 b at 7 key=k3", "4 4 a at 2"});
}

TEST_CASE_METHOD(Fixture, "a reader that is far behind another gets its own, and then both") {
  append({"1"}, kBoth);
  append({"2"}, kB);
  b.finish(give_out(b, 1));
  append({"3"}, kBoth);
  CHECK(left() == Texts{"1 1 a at 1", "2 2 b at 2", "3 3 ab at 3"});
}

TEST_CASE_METHOD(Fixture, "frames of all sizes over many segments come whole") {
  Texts expected;
  for (std::size_t i = 1; i <= 300; ++i) {
    const std::string payload(i * 31 % 4000, static_cast<char>('a' + i % 26));
    append({payload}, i % 3 ? kBoth : kA);
    expected.push_back(std::to_string(i) + ' ' + payload + (i % 3 ? " ab at " : " a at ") +
                       std::to_string(i));
  }
  CHECK(left() == expected);
}
