// SPDX-License-Identifier: Apache-2.0
#include "child/remote_host.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <functional>
#include <thread>

using namespace standpipe;
using deliver::Heard;
using deliver::Service;
using deliver::ServiceRequest;

namespace {

class Fixture {
 public:
  Fixture() {
    int both[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, both) == 0);
    worker = Fd(both[0]);
    child = Fd(both[1]);
    host.emplace(child.get(), *page);
  }
  // The worker gets this while the child asks, and answers so.
  ServiceRequest meanwhile(const deliver::ServiceAnswer& answer,
                           const std::function<void()>& asks) {
    ServiceRequest got;
    std::thread other(asks);
    while (deliver::receive_request(worker.get(), got) == Heard::nothing) std::this_thread::yield();
    deliver::send_answer(worker.get(), answer);
    other.join();
    return got;
  }

  deliver::SharedCallPage page;
  Fd worker, child;
  std::optional<child::RemoteHost> host;
};

}  // namespace

TEST_CASE("what a plugin asks for in a child comes to the worker, and its answer to the plugin") {
  Fixture f;
  std::string why;
  std::uint32_t number = 9;
  const plugin::FifoOutputRequest fifo{"/run/out", 0620, true, false, true, true};
  auto got = f.meanwhile({0, "no room"}, [&] { number = f.host->add_fifo(fifo, why); });
  CHECK(got.service == Service::add_fifo);
  CHECK(got.text == "/run/out");
  CHECK(got.mode == 0620);
  CHECK(got.flags ==
        (ServiceRequest::create | ServiceRequest::trust_others | ServiceRequest::mode_given));
  CHECK(number == 0);
  CHECK(why == "no room");

  bool granted = false;
  got = f.meanwhile({1, ""}, [&] { granted = f.host->send_all_until(2, 3, 4); });
  CHECK(granted);
  CHECK(got.service == Service::send_all_until);
  CHECK((got.number == 2 && got.bytes == 3 && got.time_ns == 4));
}

TEST_CASE("a file goes along, and one that is not open is refused without asking") {
  Fixture f;
  std::string why;
  CHECK(f.host->add_file({.path = "/var/a", .fd = -1}, why) == 0);
  CHECK(why == "/var/a is not open");
  const Fd file(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  std::uint32_t number = 0;
  const auto got = f.meanwhile(
      {5, ""}, [&] { number = f.host->add_file({.path = "/var/a", .fd = file.get()}, why); });
  CHECK(got.file);
  CHECK(number == 5);
}

TEST_CASE("a line of the log waits for no answer") {
  Fixture f;
  f.host->log(2, "careful");
  ServiceRequest got;
  REQUIRE(deliver::receive_request(f.worker.get(), got) == Heard::message);
  CHECK(got.service == Service::log);
  CHECK(got.number == 2);
  CHECK(got.text == "careful");
}

TEST_CASE("whether the hub stops is in the page") {
  Fixture f;
  CHECK_FALSE(f.host->stopping());
  f.page->stopping = 1;
  CHECK(f.host->stopping());
}

TEST_CASE("a worker that is gone refuses everything") {
  Fixture f;
  f.worker.reset();
  std::string why;
  CHECK(f.host->add_fifo({.path = "/run/out"}, why) == 0);
  CHECK(why == "the hub does not answer");
  CHECK_FALSE(f.host->send_all(1));
  f.host->log(1, "nobody hears it");
}

TEST_CASE("what a plugin settles later goes to the worker, and waits for no answer") {
  Fixture f;
  f.host->settle(1ull << 40, 5, 1000, STANDPIPE_REJECT, "too old");
  ServiceRequest got;
  REQUIRE(deliver::receive_request(f.worker.get(), got) == Heard::message);
  CHECK(got.service == Service::settle);
  CHECK((got.bytes == 1ull << 40 && got.mode == 5 && got.flags == 1000));
  CHECK(got.number == STANDPIPE_REJECT);
  CHECK(got.text == "too old");
}
