// SPDX-License-Identifier: Apache-2.0
//
// The plugins that the end-to-end tests rely on do what they promise, and the C++ face turns what
// they throw into the right answers.
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>

#include "files.h"
#include "kit.h"
#include "places.h"

namespace {

const standpipe_plugin& load(const std::string& name) {
  return kit::load(name, places::misbehaving());
}

using Outcomes = std::vector<std::uint8_t>;
constexpr std::uint8_t kDelivered = STANDPIPE_DELIVERED;
constexpr std::uint8_t kReject = STANDPIPE_REJECT;
constexpr std::uint8_t kRetry = STANDPIPE_RETRY;

}  // namespace

TEST_CASE("rejecting rejects each n-th, over batches") {
  kit::Host host;
  kit::Handler handler(load("rejecting"), host, {{"every", "3"}});
  REQUIRE(handler.open().ok());
  auto answer = handler.handle({"1", "2", "3", "4"});
  CHECK(answer.ok());
  CHECK(answer.outcomes == Outcomes{kDelivered, kDelivered, kReject, kDelivered});
  CHECK(answer.reasons[2] == "message 3 is one of those to reject");
  CHECK(handler.handle({"5", "6", "7"}).outcomes == Outcomes{kDelivered, kReject, kDelivered});
}

TEST_CASE("retrying fails a message so many times, and stops there so that order is kept") {
  kit::Host host;
  kit::Handler handler(load("retrying"), host, {{"every", "2"}, {"attempts", "2"}});
  REQUIRE(handler.open().ok());
  const auto first = handler.handle_messages({{"1", 1}, {"2", 2}, {"3", 3}});
  CHECK(first.ok());
  CHECK(first.outcomes == Outcomes{kDelivered, kRetry});
  CHECK(first.reason == "attempt 1 fails");
  const auto second = handler.handle_messages({{"2", 2}, {"3", 3}}, "orders", 2);
  CHECK(second.outcomes == Outcomes{kRetry});
  CHECK(second.reason == "attempt 2 fails");
  CHECK(handler.handle_messages({{"2", 2}, {"3", 3}}, "orders", 3).outcomes ==
        Outcomes{kDelivered, kDelivered});
}

TEST_CASE(
    "disconnecting fails to open so many times, and disconnects at the message that is "
    "redelivered") {
  kit::Host host;
  kit::Handler handler(load("disconnecting"), host, {{"every", "2"}, {"failures", "2"}});
  CHECK(handler.open().disconnected());
  CHECK(handler.open().disconnected());
  REQUIRE(handler.open().ok());
  const auto answer = handler.handle({"1", "2", "3", "4"});
  CHECK(answer.disconnected());
  CHECK(answer.settled == 2);
  CHECK(answer.reason == "disconnected after 2 messages");
  handler.close();
  REQUIRE(handler.open().ok());
  CHECK(handler.handle({"3", "4"}).all(STANDPIPE_DELIVERED));
}

TEST_CASE("held is held, and stays so") {
  kit::Host host;
  kit::Handler handler(load("held"), host, {{"at", "3"}});
  REQUIRE(handler.open().ok());
  const auto answer = handler.handle({"1", "2", "3", "4"});
  CHECK(answer.fatal());
  CHECK(answer.settled == 2);
  CHECK(answer.reason == "held at message 3");
  CHECK(handler.handle({"3"}).fatal());
}

TEST_CASE("recording writes a line a message") {
  const kit::Folder folder;
  kit::Host host;
  kit::Handler handler(load("recording"), host, {{"path", folder / "r"}});
  REQUIRE(handler.open().ok());
  CHECK(handler.handle({"", "a", "foobar"}).all(STANDPIPE_DELIVERED));
  CHECK(kit::read_file(folder / "r") ==
        "orders 1 0 cbf29ce484222325\norders 2 1 af63dc4c8601ec8c\norders 3 6 85944171f73967e8\n");
}

TEST_CASE("counting says its sums when it is closed") {
  kit::Host host;
  kit::Handler handler(load("counting"), host);
  REQUIRE(handler.open().ok());
  handler.handle({"", "abc"});
  handler.handle({"de"});
  handler.close();
  CHECK(host.reported == std::vector<std::string>{"info: counted 3 messages, 5 bytes"});
}

TEST_CASE("slow takes its time over each message") {
  kit::Host host;
  kit::Handler handler(load("slow"), host, {{"delay", "5ms"}});
  REQUIRE(handler.open().ok());
  const auto start = std::chrono::steady_clock::now();
  handler.handle({"1", "2", "3", "4"});
  CHECK(std::chrono::steady_clock::now() - start >= std::chrono::milliseconds(20));
}

TEST_CASE("crash takes its process with it at the n-th message, not before") {
  const auto child = ::fork();
  if (child == 0) {
    std::signal(SIGABRT, SIG_DFL);
    kit::Host host;
    kit::Handler handler(load("crash"), host, {{"at", "3"}});
    if (!handler.open().ok() || handler.handle({"1", "2"}).settled != 2) ::_exit(1);
    handler.handle({"3"});
    ::_exit(2);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGABRT);
}

// rejecting, retrying, held and disconnecting throw from handle(const Message&); log and print from
// handle(Batch&). What a batch handler throws before it settled anything:
TEST_CASE("a batch that throws before it settled anything is not taken for delivered") {
  kit::Host host;
  kit::Handler handler(load("recording"), host, {{"path", "/dev/full"}});
  REQUIRE(handler.open().ok());
  const auto answer = handler.handle({"a", "b"});
  CHECK(answer.disconnected());
  CHECK(answer.settled == 0);
}
