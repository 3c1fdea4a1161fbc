// SPDX-License-Identifier: Apache-2.0
#include "base/unblocked.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>

#include "temporary_folder.h"

using namespace standpipe;
using namespace std::chrono_literals;
using Way = Unblocked::Way;

namespace {

struct Ends {
  Fd read, write;  // blocking, as a shell makes them
};

Ends blocking_pipe() {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  return {Fd(ends[0]), Fd(ends[1])};
}

std::string read_all(int fd) {
  std::string all;
  char bytes[4096];
  for (pollfd readable{fd, POLLIN, 0}; ::poll(&readable, 1, 0) == 1;) {
    const auto n = ::read(fd, bytes, sizeof bytes);
    if (n <= 0) break;
    all.append(bytes, static_cast<std::size_t>(n));
  }
  return all;
}

}  // namespace

TEST_CASE("each kind of descriptor has its way, and what is written arrives") {
  const test::TemporaryFolder folder;
  const auto pipe = blocking_pipe();
  int sockets[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) == 0);
  const Fd socket(sockets[0]), peer(sockets[1]);
  const Fd file(::open((folder / "file").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  CHECK(Unblocked(pipe.write.get()).way() == Way::own_file);
  CHECK(Unblocked(socket.get()).way() == Way::send);
  CHECK(Unblocked(file.get()).way() == Way::plain);
  CHECK(Unblocked(-1).write("into nothing") == 0);
  CHECK(Unblocked(socket.get()).write("one\n") == 4);
  CHECK(read_all(peer.get()) == "one\n");
  const std::string long_text(10'000, 'x');
  for (const auto way : {Way::own_file, Way::splice}) {
    CHECK(Unblocked(pipe.write.get(), way).write(long_text) == long_text.size());
    CHECK(read_all(pipe.read.get()) == long_text);
  }
  CHECK((::fcntl(pipe.write.get(), F_GETFL) & O_NONBLOCK) == 0);  // the shell's
}

TEST_CASE("a full pipe or socket loses the lines that find no room; the others arrive whole") {
  const auto way = GENERATE(Way::own_file, Way::splice);
  const auto pipe = blocking_pipe();
  Unblocked out(pipe.write.get(), way);
  const std::string line(99, 'x');
  std::size_t lines = 0;
  while (out.write(line + '\n') == 100) ++lines;
  CHECK(lines >= 16);
  CHECK(out.write("more") <= 4);
  CHECK(read_all(pipe.read.get()).starts_with(line + '\n'));
  CHECK(out.write("again\n") == 6);
  CHECK(read_all(pipe.read.get()) == "again\n");
  int sockets[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) == 0);
  const Fd socket(sockets[0]), peer(sockets[1]);
  Unblocked to_socket(socket.get());
  for (lines = 0; to_socket.write(line + '\n') == 100; ++lines) REQUIRE(lines < 1'000'000);
}

TEST_CASE("a pipe whose reader has gone takes nothing") {
  const auto before = ::signal(SIGPIPE, SIG_IGN);
  auto pipe = blocking_pipe();
  Unblocked own(pipe.write.get(), Way::own_file), spliced(pipe.write.get(), Way::splice);
  pipe.read.reset();
  CHECK(own.write("x") == 0);
  CHECK(spliced.write("x") == 0);
  ::signal(SIGPIPE, before);
}

// The other process fills whatever room there is, so it is often gone between any look and the
// write.
TEST_CASE("who shares its pipe with one that keeps it full never waits") {
  const auto way = GENERATE(Way::own_file, Way::splice);
  const auto pipe = blocking_pipe();
  const Fd other(::open(("/proc/self/fd/" + std::to_string(pipe.write.get())).c_str(),
                        O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  REQUIRE(other);
  std::atomic<bool> ends{false};
  std::atomic<std::uint64_t> writes{0};
  std::thread filler([&] {
    const std::string page(4096, 'f');
    while (!ends) (void)!::write(other.get(), page.data(), page.size());
  });
  std::thread writer([&] {
    Unblocked out(pipe.write.get(), way);
    for (; !ends; ++writes) (void)out.write("a line\n");
  });
  char page[4096];
  bool waits = false;
  for (int round = 0; round < 500 && !waits; ++round) {
    (void)!::read(pipe.read.get(), page, sizeof page);  // there is room now, for one of the two
    const auto before = writes.load();
    const auto until = std::chrono::steady_clock::now() + 5s;
    while (writes <= before + 1 && !waits) {
      std::this_thread::yield();
      waits = std::chrono::steady_clock::now() > until;
    }
  }
  CHECK_FALSE(waits);
  ends = true;
  filler.join();
  (void)read_all(pipe.read.get());
  writer.join();
}
