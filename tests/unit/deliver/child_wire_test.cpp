// SPDX-License-Identifier: Apache-2.0
#include "deliver/child_wire.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>

using namespace standpipe;
using deliver::Heard;
using deliver::Service;
using deliver::ServiceRequest;

namespace {

struct Pair {
  Pair() {
    int both[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, both) == 0);
    ours = Fd(both[0]);
    theirs = Fd(both[1]);
  }
  // As a child gone wild would.
  void write(const void* bytes, std::size_t size) const {
    REQUIRE(::send(theirs.get(), bytes, size, 0) == static_cast<ssize_t>(size));
  }
  Heard request(ServiceRequest& to) const { return deliver::receive_request(ours.get(), to); }
  Fd ours, theirs;
};

}  // namespace

TEST_CASE("a number comes as it was sent, then nothing, then the end") {
  Pair pair;
  std::uint64_t number = 0;
  CHECK(deliver::receive_number(pair.ours.get(), number, false) == Heard::nothing);
  CHECK(deliver::send_number(pair.theirs.get(), 1ull << 40) == 0);
  CHECK(deliver::receive_number(pair.ours.get(), number, false) == Heard::message);
  CHECK(number == 1ull << 40);
  pair.theirs.reset();
  CHECK(deliver::receive_number(pair.ours.get(), number, true) == Heard::end);
  CHECK(deliver::send_number(pair.ours.get(), 1) != 0);
}

TEST_CASE("a packet that is no number is nonsense") {
  Pair pair;
  std::uint64_t number = 0;
  for (const std::size_t size : {1, 7, 9, 4096}) {
    pair.write(std::string(size, 'x').data(), size);
    CHECK(deliver::receive_number(pair.ours.get(), number, false) == Heard::nonsense);
  }
}

TEST_CASE("a request comes with its text and its file") {
  Pair pair;
  const Fd file(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  CHECK(deliver::send_request(pair.theirs.get(),
                              {.service = Service::add_file, .time_ns = 9, .text = "/var/log/a"},
                              file.get()) == 0);
  ServiceRequest request;
  REQUIRE(pair.request(request) == Heard::message);
  CHECK(request.service == Service::add_file);
  CHECK(request.time_ns == 9);
  CHECK(request.text == "/var/log/a");
  CHECK(::fcntl(request.file.get(), F_GETFD) == FD_CLOEXEC);
}

TEST_CASE("a request that no child of ours makes is nonsense") {
  Pair pair;
  ServiceRequest request;
  const std::uint32_t unknown[8] = {99};
  pair.write(unknown, sizeof unknown);
  CHECK(pair.request(request) == Heard::nonsense);
  pair.write("x", 1);
  CHECK(pair.request(request) == Heard::nonsense);
  const std::string large(64 * 1024, '\1');
  pair.write(large.data(), large.size());
  CHECK(pair.request(request) == Heard::nonsense);
  SECTION("a file that is missing") {
    CHECK(deliver::send_request(pair.theirs.get(), {.service = Service::add_file}) == 0);
    CHECK(pair.request(request) == Heard::nonsense);
  }
  SECTION("a file that nobody asked for") {
    CHECK(deliver::send_request(pair.theirs.get(), {.service = Service::log}, 0) == 0);
    CHECK(pair.request(request) == Heard::nonsense);
  }
}

TEST_CASE("a line of the log that is too long is cut") {
  Pair pair;
  CHECK(deliver::send_request(pair.theirs.get(),
                              {.service = Service::log, .text = std::string(100'000, 'x')}) == 0);
  ServiceRequest request;
  REQUIRE(pair.request(request) == Heard::message);
  CHECK(request.text.size() == ServiceRequest::kTextBytesMax);
}

TEST_CASE("an answer brings its reason; a worker that is gone answers nothing") {
  Pair pair;
  CHECK(deliver::send_answer(pair.ours.get(), {3, "why"}) == 0);
  const auto answer = deliver::receive_answer(pair.theirs.get());
  REQUIRE(answer);
  CHECK(answer->number == 3);
  CHECK(answer->why == "why");
  pair.ours.reset();
  CHECK_FALSE(deliver::receive_answer(pair.theirs.get()));
}
