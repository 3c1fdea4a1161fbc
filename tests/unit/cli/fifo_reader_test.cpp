// SPDX-License-Identifier: Apache-2.0
#include "cli/fifo_reader.h"

#include <catch2/catch.hpp>

#include "fifo_fixture.h"

using namespace standpipe::cli;
using kit::Fifo;
using kit::frame;
using Next = FifoReader::Next;

namespace {

bool wakes(FifoReader& reader, int within_ms) {
  pollfd more{reader.wake_fd(), POLLIN, 0};
  return ::poll(&more, 1, within_ms) == 1;
}

}  // namespace

TEST_CASE("a stream cut at every byte gives each frame once it is whole") {
  for (const bool exact : {false, true}) {
    const auto first = frame("first"), stream = first + frame("") + frame("third message");
    for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
      Fifo fifo;
      FifoReader reader({.path = fifo.path, .exact = exact});
      const auto writer = fifo.open_writer();
      kit::write_all(writer, std::string_view(stream).substr(0, cut));
      std::vector<std::string> got;
      while (reader.next_frame() == Next::frame) got.emplace_back(reader.payload());
      kit::write_all(writer, std::string_view(stream).substr(cut));
      while (reader.next_frame() == Next::frame) got.emplace_back(reader.payload());
      CHECK(got == std::vector<std::string>{"first", "", "third message"});
      CHECK(reader.incomplete_bytes() == 0);
    }
  }
}

TEST_CASE("an exact reader leaves what follows in the FIFO") {
  Fifo fifo;
  FifoReader reader({.path = fifo.path, .exact = true});
  const auto writer = fifo.open_writer();
  kit::write_all(writer, frame("mine") + frame("another's"));
  CHECK(reader.next_frame() == Next::frame);
  CHECK(reader.payload() == "mine");
  FifoReader other({.path = fifo.path, .exact = true});
  CHECK(other.next_frame() == Next::frame);
  CHECK(other.payload() == "another's");
}

TEST_CASE("a reader that was told to end reads no further than the frame at hand") {
  Fifo fifo;
  FifoReader reader({.path = fifo.path});
  const auto writer = fifo.open_writer();
  kit::write_all(writer, frame("one") + frame("two").substr(0, 5));
  CHECK(reader.next_frame() == Next::frame);
  CHECK(reader.next_frame() == Next::nothing);
  reader.begin_no_more();
  kit::write_all(writer, frame("two").substr(5) + frame("three"));
  CHECK(reader.next_frame() == Next::frame);
  CHECK(reader.payload() == "two");
  CHECK(reader.incomplete_bytes() == 0);
  CHECK(kit::read_all(fifo.open_reader()) == frame("three"));
}

TEST_CASE("a frame whose writer left is truncated, and the next stream starts afresh") {
  Fifo fifo;
  FifoReader reader({.path = fifo.path});
  auto writer = fifo.open_writer();
  kit::write_all(writer, frame("whole") + frame("thirty bytes, or some such text").substr(0, 7));
  writer.reset();
  CHECK(reader.next_frame() == Next::frame);
  CHECK(reader.next_frame() == Next::truncated);
  CHECK(reader.incomplete_bytes() == 7);
  CHECK(reader.need() == 35);
  CHECK(reader.next_frame() == Next::nothing);
  writer = fifo.open_writer();
  kit::write_all(writer, frame("after"));
  CHECK(reader.next_frame() == Next::frame);
  CHECK(reader.payload() == "after");
}

TEST_CASE("a length beyond the limit stays an error") {
  Fifo fifo;
  FifoReader reader({.path = fifo.path});
  const auto writer = fifo.open_writer();
  kit::write_all(writer, frame("ok") + "hello\n");
  CHECK(reader.next_frame() == Next::frame);
  CHECK(reader.next_frame() == Next::too_large);
  CHECK(reader.claimed() == 1819043176);
  CHECK(reader.head() == "hello\n");
  kit::write_all(writer, frame("lost"));
  CHECK(reader.next_frame() == Next::too_large);
}

TEST_CASE("without a writer it sleeps, before the first one and after each") {
  Fifo fifo;
  FifoReader reader({.path = fifo.path});
  CHECK(reader.next_frame() == Next::nothing);
  CHECK_FALSE(wakes(reader, 30));
  for (int i = 0; i < 3; ++i) {
    auto writer = fifo.open_writer();
    kit::write_all(writer, frame("x"));
    CHECK(wakes(reader, 1000));
    reader.awake();
    CHECK(reader.next_frame() == Next::frame);
    writer.reset();
    while (reader.next_frame() != Next::nothing || wakes(reader, 0))
      reader.awake();  // it may be told of the hang-up, once
    CHECK_FALSE(wakes(reader, 30));
  }
}

TEST_CASE("a large frame is put together, whatever pieces it comes in") {
  Fifo fifo;
  FifoReader reader({.path = fifo.path});
  const auto writer = fifo.open_writer();
  std::string payload(3'000'000, 'x');
  for (std::size_t i = 0; i < payload.size(); i += 1000)
    payload[i] = static_cast<char>('a' + i / 1000 % 26);
  const auto bytes = frame(payload) + frame("next");
  for (std::size_t at = 0; at < bytes.size(); at += 60'000) {
    kit::write_all(writer, std::string_view(bytes).substr(at, 60'000));
    if (at + 60'000 < payload.size()) CHECK(reader.next_frame() == Next::nothing);
  }
  CHECK(kit::take(reader, 2) == std::vector<std::string>{payload, "next"});
}

TEST_CASE("a missing FIFO is created, for its owner alone") {
  kit::Folder folder;
  FifoReader reader({.path = folder / "new"});
  CHECK(reader.created());
  CHECK(kit::mode_of(folder / "new") == 0600);
  CHECK_FALSE(FifoReader({.path = folder / "new"}).created());
}
