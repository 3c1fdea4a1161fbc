// SPDX-License-Identifier: Apache-2.0
#include "keeper/wire.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <string>

using namespace standpipe;
using namespace standpipe::keeper;

namespace {

// Both ends of a link; the second does not wait.
struct Ends {
  Ends() {
    int pair[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
    sender = Fd(pair[0]);
    receiver = Fd(pair[1]);
  }
  Received receive() { return keeper::receive(receiver.get(), message); }
  Fd sender, receiver;
  Message message;
};

}  // namespace

TEST_CASE("a message is a verb, and what follows its first space") {
  Ends ends;
  CHECK(send(ends.sender.get(), "keep", "source/a b") == 0);
  CHECK(send(ends.sender.get(), "ping") == 0);
  CHECK(ends.receive() == Received::message);
  CHECK(ends.message.verb == "keep");
  CHECK(ends.message.rest == "source/a b");
  CHECK_FALSE(ends.message.fd);
  CHECK(ends.receive() == Received::message);
  CHECK(ends.message.verb == "ping");
  CHECK(ends.message.rest.empty());
  CHECK(ends.receive() == Received::nothing);
}

TEST_CASE(
    "a descriptor comes along, is another one for the same file, and no program inherits it") {
  Ends ends;
  int pipe[2];
  REQUIRE(::pipe(pipe) == 0);
  const Fd read_end(pipe[0]), write_end(pipe[1]);
  CHECK(send(ends.sender.get(), "keep", "stage-in", write_end.get()) == 0);
  CHECK(ends.receive() == Received::message);
  REQUIRE(ends.message.fd);
  CHECK(ends.message.fd.get() != write_end.get());
  CHECK((::fcntl(ends.message.fd.get(), F_GETFD) & FD_CLOEXEC) != 0);
  CHECK(::write(ends.message.fd.get(), "x", 1) == 1);
  char byte = 0;
  CHECK(::read(read_end.get(), &byte, 1) == 1);
}

TEST_CASE("the descriptor of the message before is not the next one's") {
  Ends ends;
  send(ends.sender.get(), "keep", "a", ends.sender.get());
  send(ends.sender.get(), "ready");
  ends.receive();
  CHECK(ends.message.fd);
  ends.receive();
  CHECK_FALSE(ends.message.fd);
}

TEST_CASE("what a worker said before it died is received after its end") {
  Ends ends;
  send(ends.sender.get(), "end", "0");
  ends.sender.reset();
  CHECK(ends.receive() == Received::message);
  CHECK(ends.message.verb == "end");
  CHECK(ends.receive() == Received::end);
}

TEST_CASE("whether all that was sent has been read is known") {
  Ends ends;
  CHECK_FALSE(holds_unread(ends.sender.get()));
  send(ends.sender.get(), "ping");
  CHECK(holds_unread(ends.sender.get()));
  ends.receive();
  CHECK_FALSE(holds_unread(ends.sender.get()));
}

TEST_CASE("what is too long is cut, and what finds no room or no receiver is an error") {
  Ends ends;
  const std::string name(kMessageBytesMax, 'n');
  CHECK(send(ends.sender.get(), "keep", name) == 0);
  ends.receive();
  CHECK(ends.message.rest == name.substr(0, kMessageBytesMax - 5));
  int problem = 0;
  for (int i = 0; i < 1'000'000 && problem == 0; ++i) problem = send(ends.sender.get(), "ping");
  CHECK(problem == EAGAIN);
  Ends left;
  left.receiver.reset();
  CHECK(send(left.sender.get(), "ping") == EPIPE);  // and no signal
}
