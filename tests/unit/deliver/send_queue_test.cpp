// SPDX-License-Identifier: Apache-2.0
#include "deliver/send_queue.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <optional>

#include "deliver/one_queue.h"

using namespace standpipe;
using test::framed;

using Fixture = test::OneQueue;

TEST_CASE("what was sent is a stream of frames, in order, and settled when the peer has taken it") {
  Fixture f;
  for (const auto* text : {"one", "two"}) f.send(text);
  CHECK(f.rest() == f.stream);
  f.queue->move(f.stream.size());
  f.queue->mark_taken(7);
  CHECK(f.delivered() == 1);
  f.queue->mark_taken(f.queue->moved() - 1);  // the marks begin at the first entry
  CHECK(f.delivered() == 1);
  f.queue->mark_taken(f.queue->moved());
  CHECK(f.delivered() == 2);
  CHECK(f.queue->empty());
  CHECK(f.senders.settlements == 2);
  CHECK(f.final == std::vector<std::uint64_t>{1, 1});
}

TEST_CASE("after a death what was written and had not moved is written again, from any byte on") {
  for (std::uint64_t moved = 0; moved <= 21; ++moved) {
    Fixture f;
    for (const auto* text : {"one", "two", "abc"}) f.send(text);
    f.move(moved);
    f.crash();
    CHECK(f.rest() == f.stream.substr(moved));
  }
}

TEST_CASE(
    "a rewind settles the whole messages before a mark, and goes back to the frame that it stands "
    "in") {
  for (std::uint64_t mark = 0; mark <= 21; ++mark) {
    Fixture f;
    for (const auto* text : {"one", "two", "abc"}) f.send(text);
    f.move(21);
    f.queue->rewind(mark);
    f.keeping->commit();
    CHECK(f.delivered() == mark / 7);
    CHECK(f.queue->moved() == 0);
    f.crash();
    CHECK(f.rest() == f.stream.substr(mark / 7 * 7));
  }
}

TEST_CASE("whole messages that the peer has are final, and the stream continues where it was") {
  const std::vector<std::uint64_t> lengths = {7, 7, 7, 8, 9};  // the first entry is "one" alone
  for (std::uint64_t taken = 0; taken <= 30; ++taken)
    for (const auto& written : {30u, 38u}) {
      Fixture f;
      for (const auto* text : {"one", "two", "abc", "four", "fives"}) f.send(text);
      f.move(30);
      if (written == 30) f.queue->write_again();
      f.queue->mark_taken(taken);
      f.queue->finish_taken();
      f.keeping->commit();
      std::uint64_t whole = 0, bytes = 0;
      while (bytes + lengths[whole] <= taken) bytes += lengths[whole++];
      CHECK(f.delivered() == whole);
      CHECK(f.queue->taken() == taken - bytes);
      CHECK(f.queue->moved() == 30 - bytes);
      CHECK(f.queue->written() == written - bytes);
      CHECK(f.rest() == f.stream.substr(written));
      f.delivery->check_invariants();
      f.crash();
      CHECK(f.rest() == f.stream.substr(30));
    }
}

TEST_CASE("what follows on an entry that was not begun becomes part of it") {
  Fixture f;
  for (const auto* text : {"one", "two", "three", "four"}) f.send(text);
  CHECK(f.queue->size() == 2);  // the first may be under way
  CHECK(f.rest() == f.stream);
}

TEST_CASE(
    "no further message is started: those after go back to their delivery, and the rest is the "
    "incomplete frame") {
  Fixture f;
  for (const auto* text : {"one", "two", "three"}) f.send(text);
  f.move(9);
  f.queue->write_again();
  f.queue->end_after_frame();
  f.keeping->commit();
  CHECK(f.rest() == f.stream.substr(9, 5));
  REQUIRE(f.delivery->redeliveries().size() == 1);
  CHECK(f.delivery->redeliveries().front().range.count == 1);
  f.delivery->check_invariants();
}

TEST_CASE("bytes are compared with the stream from any mark on") {
  Fixture f;
  for (const auto* text : {"one", "two"}) f.send(text);
  const auto is_at = [&](std::uint64_t offset, const std::string& text) {
    return f.queue->is_at(offset, std::as_bytes(std::span(text)));
  };
  for (std::size_t i = 0; i < f.stream.size(); ++i) CHECK(is_at(i, f.stream.substr(i)));
  CHECK_FALSE(is_at(1, f.stream));
  CHECK_FALSE(is_at(0, f.stream + "x"));
}

TEST_CASE("marks that are out of order are refused") {
  Fixture f;
  f.send("one");
  f.move(3);
  const auto bytes = f.keeping->find("queue/out");
  const_cast<std::byte&>(bytes[0]) = std::byte{0xff};
  CHECK_THROWS_AS(f.crash(), state::Memory::Damaged);
}
