// SPDX-License-Identifier: Apache-2.0
#include "deliver/shared_memory.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>

#include "base/failure.h"

using namespace standpipe;
using deliver::SharedMemory;

TEST_CASE("what one process writes another has, also when neither has the file any more") {
  SharedMemory memory("test", 8192, "tests");
  CHECK(memory.bytes() == 8192);
  CHECK(memory.base()[8191] == std::byte{0});
  SharedMemory other(Fd(::dup(memory.fd())), 1, 8192, "tests");
  CHECK(other.bytes() == 8192);
  memory.close_file();
  other.close_file();
  CHECK(memory.fd() < 0);
  std::memcpy(memory.base() + 5000, "here", 4);
  CHECK(std::memcmp(other.base() + 5000, "here", 4) == 0);
}

TEST_CASE("nobody who has the file can change its size under the others") {
  const SharedMemory memory("test", 4096, "tests");
  CHECK(::ftruncate(memory.fd(), 0) != 0);
  CHECK(::ftruncate(memory.fd(), 8192) != 0);
}

TEST_CASE("memory of another size than it is to have is refused, in words") {
  const SharedMemory memory("test", 4096, "tests");
  const auto claim = [&](std::uint64_t least, std::uint64_t most) {
    const SharedMemory other(Fd(::dup(memory.fd())), least, most, "tests");
    return other.bytes();
  };
  CHECK(claim(4096, 4096) == 4096);
  CHECK_THROWS_WITH(claim(4097, 9000), "the memory for tests has another size");
  CHECK_THROWS_WITH(claim(1, 4095), "the memory for tests has another size");
  CHECK_THROWS_AS(SharedMemory(Fd(), 1, 4096, "tests"), Failure);
}

TEST_CASE("what a plugin forks does not have it", "[fork]") {
  const SharedMemory memory("test", 4096, "tests");
  const auto child = ::fork();
  if (child == 0) {
    unsigned char is_there = 0;
    ::_exit(::mincore(memory.base(), 4096, &is_there) == 0 ? 1 : 0);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  CHECK(status == 0);
}
