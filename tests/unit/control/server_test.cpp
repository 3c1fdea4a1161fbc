// SPDX-License-Identifier: Apache-2.0
#include "control/server.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <deque>

#include "base/failure.h"
#include "control/serving.h"

using namespace kit;
using Catch::Matchers::Message;

TEST_CASE("a request gets its answer, one after the other") {
  const Serving hub;
  CHECK(hub.ask("echo one") == "one");
  CHECK(hub.ask("echo ") == "");
  CHECK(hub.ask("long").size() == 1 << 20);
}

TEST_CASE("what the hub does not know is an error with its words") {
  const Serving hub;
  CHECK_THROWS_MATCHES(hub.ask("stets"), Failure, Message("what is 'stets'?"));
}

TEST_CASE("a request ends with its line, or where its sender shuts its side") {
  const Serving hub;
  const Raw lines(hub.path()), incomplete(hub.path());
  lines.send("echo a\r\nrest");
  incomplete.send("echo b");
  incomplete.shut();
  CHECK(lines.reported() == "ok 1\na");
  CHECK(incomplete.reported() == "ok 1\nb");
}

TEST_CASE("a request that comes in pieces is one request") {
  const Serving hub;
  const Raw slow(hub.path());
  for (const auto* piece : {"ec", "ho a", "b"}) {
    slow.send(piece);
    CHECK(hub.ask("echo between") == "between");  // so the piece has been read
  }
  slow.send("\n");
  CHECK(slow.reported() == "ok 2\nab");
}

TEST_CASE("a request of more than 4 KiB is refused") {
  const Serving hub;
  CHECK(hub.ask("echo " + std::string(4091, 'x')).size() == 4091);
  const Raw client(hub.path());
  client.send(std::string(4097, 'x'));
  CHECK(client.reported() == "error: a request is one line of at most 4,096 bytes\n");
}

TEST_CASE("whoever does not read its answer keeps nobody waiting, and gets it whole later") {
  const Serving hub;
  const Raw slow(hub.path());
  slow.send("long\n");
  CHECK(hub.ask("long").size() == 1 << 20);
  CHECK(slow.reported() == "ok 1048576\n" + std::string(1 << 20, 'x'));
}

TEST_CASE("answers that nobody reads are bounded together") {
  const Serving hub;
  CHECK_THROWS_MATCHES(hub.ask("huge"), Failure, Message("no room for an answer of 16777217B"));
  std::deque<Raw> slow;
  for (int i = 0; i < 15; ++i) slow.emplace_back(hub.path()).send("long\n");
  CHECK(hub.ask("echo fits") == "fits");
}

TEST_CASE(
    "the 17th client is told to come again, and takes the place of one that is silent for ten "
    "seconds") {
  Serving hub;
  std::deque<Raw> silent;
  for (int i = 0; i < 16; ++i) silent.emplace_back(hub.path());
  const std::string busy = "16 others are being answered; try again in a moment";
  CHECK_THROWS_MATCHES(hub.ask("echo x"), Failure, Message(busy));
  hub.clock.advance(10s);
  CHECK(hub.ask("echo x") == "x");
}

TEST_CASE("a client that left makes room") {
  const Serving hub;
  for (int i = 0; i < 50; ++i) {
    const Raw gone(hub.path());
    if (i % 2) gone.send("long\n");
  }
  CHECK(hub.ask("echo x") == "x");
}

TEST_CASE(
    "of many that came before the loop ran, each hears something, though each change is reported "
    "once") {
  Serving hub(false);
  std::deque<Raw> clients;
  for (int i = 0; i < 60; ++i) clients.emplace_back(hub.path()).send("echo x\n");
  hub.loop();
  int answered = 0;
  for (const auto& client : clients) {
    const auto reported = client.reported();
    CHECK((reported == "ok 1\nx" || reported.starts_with("error: 16 others")));
    answered += reported == "ok 1\nx";
  }
  CHECK(answered >= 16);
}

TEST_CASE("another user is not answered, even if the file's mode lets them in", "[fork]") {
  if (::geteuid() != 0) return;  // only root can become somebody else
  const Serving hub;
  ::chmod(hub.path().c_str(), 0666);
  ::chmod((hub.path() + "/..").c_str(), 0755);
  for (std::string folder = hub.path(); folder.size() > 5;) {
    folder.resize(folder.rfind('/'));
    if (folder.find("standpipe-test") != std::string::npos) ::chmod(folder.c_str(), 0755);
  }
  const auto child = ::fork();
  if (child == 0) {
    if (::setuid(65534) != 0) ::_exit(1);
    const Raw stranger(hub.path());
    stranger.send("echo x\n");
    ::_exit(stranger.reported() == "error: this hub answers only the user that runs it, and root\n"
                ? 0
                : 2);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  CHECK(status == 0);
}

TEST_CASE(
    "a socket's file that was removed is made again, also while clients are connected; another "
    "hub's is left alone") {
  const test::TemporaryFolder folder;
  const auto path = folder / "control";
  const HandClock clock;
  control::Server server(std::move(*control::Listener::at(path)), clock,
                         [](auto request) { return std::string(request); });
  CHECK_FALSE(server.listen_again());
  const Raw connected(path);
  server.on_event();
  ::unlink(path.c_str());
  CHECK(server.listen_again());
  CHECK_FALSE(server.listen_again());
  const Raw late(path);
  for (const auto* client : {&connected, &late}) {
    client->send("word\n");
    for (int i = 0; i < 4; ++i) server.on_event();
    CHECK(client->reported() == "ok 4\nword");
  }
  ::unlink(path.c_str());
  const auto other = control::Listener::at(path);
  REQUIRE(other);
  CHECK_THROWS_WITH(server.listen_again(), Catch::Contains("another hub took the control socket"));
}
