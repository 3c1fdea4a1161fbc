// SPDX-License-Identifier: Apache-2.0
#include "cli/message_source.h"

#include <catch2/catch.hpp>

#include "base/failure.h"
#include "fifo_fixture.h"

using namespace standpipe;
using namespace standpipe::cli;
using Next = MessageSource::Next;

namespace {

// All that is there now, and what came instead of more.
std::vector<std::string> all_of(MessageSource& source, Next& end) {
  std::vector<std::string> payloads;
  while ((end = source.next()) == Next::message) payloads.emplace_back(source.payload());
  return payloads;
}

}  // namespace

TEST_CASE("lines come without their ends, empty ones and an incomplete last one too") {
  auto pipe = Pipe::make(65536);
  kit::write_all(pipe.write_end, "one\n\nthree\r\nlast");
  pipe.write_end.reset();
  LineMessages lines(pipe.read_end.get(), 100);
  Next end{};
  CHECK(all_of(lines, end) == std::vector<std::string>{"one", "", "three\r", "last"});
  CHECK(end == Next::end);
}

TEST_CASE("a line whose end has not come is waited for") {
  auto pipe = Pipe::make(65536);
  LineMessages lines(pipe.read_end.get(), 100);
  Next end{};
  CHECK(all_of(lines, end).empty());
  CHECK(end == Next::wait);
  kit::write_all(pipe.write_end, "one\ntw");
  CHECK(all_of(lines, end) == std::vector<std::string>{"one"});
  CHECK(end == Next::wait);
  kit::write_all(pipe.write_end, "o\n");
  CHECK(all_of(lines, end) == std::vector<std::string>{"two"});
  pipe.write_end.reset();
  CHECK(all_of(lines, end).empty());
  CHECK(end == Next::end);
}

TEST_CASE("a line beyond the limit is refused with its number, before its end has come") {
  auto pipe = Pipe::make(65536);
  kit::write_all(pipe.write_end, "12345678\n123456789");
  LineMessages lines(pipe.read_end.get(), 8);
  CHECK(lines.next() == Next::message);
  CHECK(lines.payload() == "12345678");
  CHECK_THROWS_WITH(lines.next(), "line 2 has more than 8 bytes, the limit; it was not sent");
}

TEST_CASE("given messages come in turn, as often as was asked") {
  GivenMessages given({"a", "b"}, 2);
  Next end{};
  CHECK(given.total() == 4);
  CHECK(all_of(given, end) == std::vector<std::string>{"a", "b", "a", "b"});
  CHECK(end == Next::end);
}

TEST_CASE("a file is one message, up to the limit") {
  kit::Folder folder;
  const std::string content("line\n\0\xff", 7);
  kit::write_file(folder / "f", content);
  CHECK(whole_file(folder / "f", -1, 7) == content);
  CHECK_THROWS_WITH(whole_file(folder / "f", -1, 6),
                    (folder / "f") + " has more than 6 bytes, the limit; nothing was sent");
  CHECK_THROWS_WITH(whole_file(folder / "g", -1, 6),
                    "cannot open " + (folder / "g") + ": No such file or directory");
  auto pipe = Pipe::make(65536);
  kit::write_all(pipe.write_end, content);
  pipe.write_end.reset();
  CHECK(whole_file("-", pipe.read_end.get(), 7) == content);
}

TEST_CASE("of what has no end no more is read than shows that it is too much") {
  CHECK_FALSE(file_up_to("/dev/zero", -1, 100'000));
  auto pipe = Pipe::make(65536);
  kit::write_all(pipe.write_end, "0123456789");
  CHECK_FALSE(file_up_to("-", pipe.read_end.get(), 7));
  char rest[10];
  CHECK(::read(pipe.read_end.get(), rest, sizeof rest) == 2);
}
