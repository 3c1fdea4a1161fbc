// SPDX-License-Identifier: Apache-2.0
#include "control/listener.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "base/failure.h"
#include "control/serving.h"

using namespace kit;
using Catch::Matchers::Message;
using control::Listener;

namespace {

unsigned mode_of(const std::string& path) {
  struct stat st {};
  return ::lstat(path.c_str(), &st) == 0 ? st.st_mode & 07777 : 0;
}

bool is_there(const std::string& path) {
  return std::filesystem::exists(std::filesystem::symlink_status(path));
}

// A hub that was killed: its socket's file stays, and nobody listens.
void leave_dead_socket(const std::string& path) {
  auto listener = Listener::at(path);
  REQUIRE(listener);
  listener->leave_file();
}

}  // namespace

TEST_CASE("only its user can open it, whatever the umask: the socket is 0600 and its folder 0700") {
  const test::TemporaryFolder folder;
  const auto umask = ::umask(0);
  const auto listener = Listener::at(folder / "new/control");
  ::umask(umask);
  REQUIRE(listener);
  CHECK(mode_of(folder / "new/control") == 0600);
  CHECK(mode_of(folder / "new") == 0700);
}

TEST_CASE("at its end the file is gone") {
  const test::TemporaryFolder folder;
  { const auto listener = Listener::at(folder / "control"); }
  CHECK_FALSE(is_there(folder / "control"));
}

TEST_CASE("a file that has become another's stays") {
  const test::TemporaryFolder folder;
  auto listener = Listener::at(folder / "control");
  REQUIRE(listener);
  std::filesystem::remove(folder / "control");
  std::ofstream(folder / "control") << "another's";
  listener.reset();
  CHECK(is_there(folder / "control"));
}

TEST_CASE("what a dead hub left is replaced, what a live one has is not") {
  const test::TemporaryFolder folder;
  leave_dead_socket(folder / "control");
  REQUIRE(is_there(folder / "control"));
  const auto listener = Listener::at(folder / "control");
  CHECK(listener);
  CHECK_FALSE(Listener::at(folder / "control"));
  CHECK(control::Client::connect(folder / "control"));
}

TEST_CASE("anything but a socket in its place is refused, and left alone") {
  const test::TemporaryFolder folder;
  const auto path = folder / "control";
  std::ofstream(path) << "precious";
  CHECK_THROWS_MATCHES(
      Listener::at(path), Failure,
      Message(path + " is not a socket, so the control socket cannot take its place"));
  CHECK(std::filesystem::file_size(path) == 8);
}

TEST_CASE("a path that no socket can have is said so") {
  const auto path = "/tmp/" + std::string(120, 'x');
  CHECK_THROWS_MATCHES(
      Listener::at(path), Failure,
      Message("the path of a control socket has at most 107 bytes, and this one has 125: " + path));
}

TEST_CASE("a successor continues with the same socket, and removes its file at its end") {
  const test::TemporaryFolder folder;
  const auto path = folder / "control";
  Fd handed_over;
  {
    auto first = Listener::at(path);
    REQUIRE(first);
    handed_over.reset(::fcntl(first->fd(), F_DUPFD_CLOEXEC, 0));
    first->leave_file();
  }
  const Raw waiting(path);  // nobody accepts now, and nobody is refused
  {
    const HandClock clock;
    control::Server server(Listener(std::move(handed_over)), clock,
                           [](std::string_view) { return std::string("again"); });
    CHECK(server.listener().path() == path);
    waiting.send("stats\n");
    server.on_event();
    server.on_event();
    CHECK(waiting.reported() == "ok 5\nagain");
  }
  CHECK_FALSE(is_there(path));
}

TEST_CASE("a descriptor that is not a listening socket is not taken over") {
  CHECK_THROWS_AS(Listener(Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC))), Failure);
  CHECK_THROWS_AS(Listener(Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))), Failure);
}
