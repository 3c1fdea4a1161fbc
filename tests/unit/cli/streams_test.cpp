// SPDX-License-Identifier: Apache-2.0
#include "cli/streams.h"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>

#include "base/failure.h"
#include "base/fd.h"
#include "console.h"

using namespace standpipe;
using namespace standpipe::cli;

TEST_CASE("a full disk is reported") {
  const Fd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  kit::Console c;
  c.streams.out = StandardOutput(full.get());
  CHECK(c.run({"--version"}) == 1);
  CHECK(c.err() == "error: cannot write to standard output: No space left on device\n");
}

TEST_CASE("a reader that left is reported") {
  auto pipe = Pipe::make(4096);
  pipe.read_end.reset();
  kit::Console c;
  c.streams.out = StandardOutput(pipe.write_end.get());
  CHECK(c.run({"help"}) == 1);
  CHECK(c.err() == "error: cannot write to standard output: nobody reads it any more\n");
}

TEST_CASE("a closed stream is reported") {
  const Fd closed(
      ::open("/dev/null", O_RDONLY | O_CLOEXEC));  // as keep_standard_streams puts it there
  kit::Console c;
  c.streams.out = StandardOutput(closed.get());
  CHECK(c.run({"help"}) == 1);
  CHECK(c.err() == "error: cannot write to standard output: it is closed\n");
}

TEST_CASE("large data goes out whole and in order with small data") {
  kit::Console c;
  const std::string large(200'000, 'x');
  c.streams.out.write("before ");
  c.streams.out.write(large);
  c.streams.out.write(" after");
  c.streams.out.flush();
  CHECK(c.out() == "before " + large + " after");
}

TEST_CASE("a message to a terminal that stands still is dropped after a while") {
  const auto pipe = Pipe::make(4096);
  StandardError err(pipe.write_end.get());
  err.print_if_it_moves(std::string(1 << 20, 'x'));  // returns, though nobody reads
  CHECK(bytes_waiting(pipe.read_end.get()) == pipe.capacity);
}
