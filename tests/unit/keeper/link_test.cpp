// SPDX-License-Identifier: Apache-2.0
#include "keeper/link.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>

#include "base/failure.h"
#include "keeper/store.h"
#include "keeper/wire.h"

using namespace standpipe;
using namespace standpipe::keeper;

namespace {

// A keeper's end in this process: says what the test says, and hears what the link says.
class Parent {
 public:
  Parent() {
    int pair[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
    socket_ = Fd(pair[0]);
    theirs_ = pair[1];
  }
  Link start(const std::vector<std::string>& names = {}) {
    std::vector<Store::Entry> entries;
    for (const auto& name : names) entries.push_back({::memfd_create("kept", 0), name});
    if (!entries.empty()) first_ = entries[0].fd;
    const auto list = ::dup(write_list(entries).get());
    ::setenv("STANDPIPE_KEEPER", (std::to_string(theirs_) + ',' + std::to_string(list)).c_str(), 1);
    return Link::from_environment();
  }
  void say(const std::string& verb, const std::string& rest = {}) {
    REQUIRE(send(socket_.get(), verb, rest) == 0);
  }
  std::string received() {
    Message s;
    if (receive(socket_.get(), s) != Received::message) return "nothing";
    return s.verb + (s.rest.empty() ? "" : " " + s.rest) + (s.fd ? " +fd" : "");
  }
  void die() { socket_.reset(); }
  int first_inherited() const { return first_; }

 private:
  Fd socket_;
  int theirs_ = -1;
  int first_ = -1;
};

const Fd& some_file() {
  static const Fd file(::memfd_create("some", MFD_CLOEXEC));
  return file;
}

}  // namespace

TEST_CASE("what is inherited can be taken once, and goes to no child") {
  Parent parent;
  auto link = parent.start({"memory", "source/a b"});
  CHECK(link.names() == std::vector<std::string>{"memory", "source/a b"});
  CHECK((::fcntl(parent.first_inherited(), F_GETFD) & FD_CLOEXEC));
  CHECK((::fcntl(link.fd(), F_GETFD) & FD_CLOEXEC));
  CHECK(link.retrieve("memory")->get() == parent.first_inherited());
  CHECK_FALSE(link.retrieve("memory"));
  CHECK(link.names() == std::vector<std::string>{"source/a b"});
  CHECK(std::getenv("STANDPIPE_KEEPER") == nullptr);
  CHECK(link.keeper_pid() == ::getpid());
}

TEST_CASE("a child that executes nothing has none of what is kept", "[fork]") {
  Parent parent;
  auto link = parent.start({"fifo", "lock"});
  const auto fifo = link.retrieve("fifo");
  parent.say("kept");
  link.keep("some", some_file().get());
  const auto child = ::fork();
  if (child == 0) {
    const auto is_open = [](int fd) { return ::fcntl(fd, F_GETFD) >= 0; };
    ::_exit(is_open(fifo->get()) || is_open(some_file().get()) || is_open(link.fd()) ? 1 : 0);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK(::fcntl(fifo->get(), F_GETFD) >= 0);
  CHECK(link.kept());
}

TEST_CASE("pings are answered while waiting for an answer") {
  Parent parent;
  auto link = parent.start();
  parent.say("ping");
  parent.say("kept");
  link.keep("source/a", some_file().get());
  CHECK(parent.received() == "keep source/a +fd");
  CHECK(parent.received() == "pong");
}

TEST_CASE("pings are answered when they can be read") {
  Parent parent;
  auto link = parent.start();
  parent.say("ping");
  CHECK(link.on_readable() == Link::Event::none);
  CHECK(parent.received() == "pong");
  CHECK(parent.received() == "nothing");
}

TEST_CASE("what is wanted is told once, and answered each time it is reported") {
  Parent parent;
  auto link = parent.start();
  for (const bool first : {true, false}) {
    parent.say("want", "1 3 0");
    link.on_readable();
    const auto asked = link.asked();
    CHECK(asked.stops == (first ? 1 : 0));
    CHECK(asked.reopen == first);
    CHECK_FALSE(asked.reload);
    CHECK(parent.received() == "have 1 3 0");
  }
  parent.say("want", "2 3 1");
  link.on_readable();
  const auto asked = link.asked();
  CHECK((asked.stops == 1 && !asked.reopen && asked.reload));
}

TEST_CASE(
    "what is wanted while an answer is waited for is not answered before the loop has heard of "
    "it") {
  Parent parent;
  auto link = parent.start();
  parent.say("want", "1 0 0");
  parent.say("kept");
  link.keep("source/a", some_file().get());
  CHECK(parent.received() == "keep source/a +fd");
  CHECK(parent.received() == "nothing");
  CHECK(link.asked().stops == 1);
  CHECK(parent.received() == "have 1 0 0");
}

TEST_CASE("a refusal is a failure with its reason") {
  Parent parent;
  auto link = parent.start();
  parent.say("refused", "it keeps 4,096 already");
  CHECK_THROWS_WITH(link.keep("a", some_file().get()),
                    "the keeper does not keep 'a': it keeps 4,096 already");
}

TEST_CASE("a keeper that dies while it is waited for is noted, and told when the loop looks") {
  Parent parent;
  auto link = parent.start();
  CHECK(link.kept());
  parent.die();
  link.keep("a", some_file().get());
  link.forget("a");
  link.ready();
  CHECK_FALSE(link.kept());
  CHECK(link.on_readable() == Link::Event::lost);
}

TEST_CASE("the keeper's death is an event") {
  Parent parent;
  auto link = parent.start();
  parent.die();
  CHECK(link.on_readable() == Link::Event::lost);
}

TEST_CASE("what is forgotten cannot be taken") {
  Parent parent;
  auto link = parent.start({"a"});
  link.forget("a");
  CHECK_FALSE(link.retrieve("a"));
  CHECK(parent.received() == "forget a");
}

TEST_CASE("without a keeper nothing is kept, and nobody is lost") {
  auto link = Link::none();
  link.keep("a", some_file().get());
  link.ready();
  link.stopping();
  CHECK_FALSE(link.retrieve("a"));
  CHECK_FALSE(link.kept());
  CHECK(link.on_readable() == Link::Event::none);
  ::unsetenv("STANDPIPE_KEEPER");
  CHECK_FALSE(Link::from_environment().kept());
}

TEST_CASE("a variable that is not from a keeper is a failure") {
  for (const auto* text : {"", "7", "x,y", "1,2", "3,", "100000,100001"}) {
    ::setenv("STANDPIPE_KEEPER", text, 1);
    CHECK_THROWS_AS(Link::from_environment(), Failure);
  }
}
