// SPDX-License-Identifier: Apache-2.0
#include "base/fd.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>
#include <utility>

#include "base/failure.h"

using namespace standpipe;

namespace {

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }
int open_null() { return ::open("/dev/null", O_RDWR | O_CLOEXEC); }

}  // namespace

TEST_CASE("a descriptor is closed by its owner, once, and whoever it was moved to is the owner") {
  const int a = open_null(), b = open_null();
  {
    Fd first(a), second(b);
    second = std::move(first);
    CHECK_FALSE(first);
    CHECK(second.get() == a);
    CHECK_FALSE(is_open(b));
    const Fd third(std::move(second));
    CHECK(third.get() == a);
    CHECK(is_open(a));
  }
  CHECK_FALSE(is_open(a));
}

TEST_CASE("a descriptor that is moved to itself stays open") {
  Fd fd(open_null());
  auto& same = fd;
  fd = std::move(same);
  CHECK(is_open(fd.get()));
}

TEST_CASE("a pipe of ours waits for nobody, and no program inherits it") {
  const auto pipe = Pipe::make(0);
  for (const int end : {pipe.read_end.get(), pipe.write_end.get()}) {
    CHECK((::fcntl(end, F_GETFL) & O_NONBLOCK) != 0);
    CHECK((::fcntl(end, F_GETFD) & FD_CLOEXEC) != 0);
  }
  CHECK(pipe.capacity == static_cast<std::size_t>(::fcntl(pipe.read_end.get(), F_GETPIPE_SZ)));
  CHECK(bytes_waiting(pipe.read_end.get()) == 0);
  REQUIRE(::write(pipe.write_end.get(), "seven b", 7) == 7);
  CHECK(bytes_waiting(pipe.read_end.get()) == 7);
}

TEST_CASE("a pipe grows as far as the kernel lets it, and never shrinks") {
  const auto pipe = Pipe::make(16 * 1024);
  const auto as_made = pipe.capacity;
  CHECK(as_made >= 16 * 1024);
  CHECK(grow_pipe(pipe.write_end.get(), 4096) == as_made);
  CHECK(grow_pipe(pipe.write_end.get(), 2 * as_made) == 2 * as_made);
  CHECK(grow_pipe(pipe.write_end.get(), std::size_t{1} << 40) == 2 * as_made);  // it is refused
  CHECK(static_cast<std::size_t>(::fcntl(pipe.read_end.get(), F_GETPIPE_SZ)) == 2 * as_made);
}

TEST_CASE("what is no pipe has no capacity, and nothing waits in it") {
  const Fd file(open_null());
  CHECK(grow_pipe(file.get(), 4096) == 0);
  CHECK(bytes_waiting(file.get()) == 0);
  CHECK(bytes_waiting(-1) == 0);
}

TEST_CASE("without a free descriptor there is no pipe, and the remedy is said") {
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit none{3, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  std::string help;
  try {
    (void)Pipe::make(0);
  } catch (const Failure& failure) {
    help = failure.help();
  }
  ::setrlimit(RLIMIT_NOFILE, &before);
  CHECK(help == "raise the limit of open files: ulimit -n");
}
