// SPDX-License-Identifier: Apache-2.0
#include "common/taken_window.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "settling_host.h"

namespace {

using common::TakenWindow;
using standpipe::Outcome;
using namespace std::chrono_literals;

TakenWindow::Clock::time_point soon() { return TakenWindow::Clock::now() + 5ms; }

struct Fixture {
  SettlingHost host;
  TakenWindow window{host.face(), 4, 100};
  TakenWindow::Number add(std::uint64_t ticket, std::uint32_t index, std::size_t bytes = 10) {
    return window.add({ticket, index, 1}, bytes);
  }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "what is acknowledged behind an open message waits for it") {
  const auto first = add(7, 0), second = add(7, 1), third = add(8, 0);
  window.deliver(second);
  window.deliver(third);
  CHECK(host.settled.empty());
  CHECK(window.messages() == 3);
  window.deliver(first);
  CHECK(host.settled == std::vector<Settled>{{7, 0, 2, STANDPIPE_DELIVERED, ""},
                                             {8, 0, 1, STANDPIPE_DELIVERED, ""}});
  CHECK(window.messages() == 0);
  CHECK(window.bytes() == 0);
}

TEST_CASE_METHOD(Fixture, "an acknowledgement of many settles a batch in one call") {
  add(7, 3);
  add(7, 4);
  const auto last = add(7, 5);
  add(7, 6);
  window.deliver_up_to(last);
  CHECK(host.settled == std::vector<Settled>{{7, 3, 3, STANDPIPE_DELIVERED, ""}});
  CHECK(window.messages() == 1);
}

TEST_CASE_METHOD(Fixture, "a refused message keeps its reason, whatever is acknowledged later") {
  const auto first = add(7, 0), second = add(7, 1);
  window.settle(second, Outcome::reject, "no route");
  window.settle(second, Outcome::delivered);
  window.deliver_up_to(second);
  window.deliver(first);
  CHECK(host.settled == std::vector<Settled>{{7, 0, 1, STANDPIPE_DELIVERED, ""},
                                             {7, 1, 1, STANDPIPE_REJECT, "no route"}});
}

TEST_CASE_METHOD(Fixture, "numbers that are not open are ignored") {
  const auto first = add(7, 0);
  window.deliver(first);
  window.deliver(first);
  window.deliver(first + 1);
  window.deliver_up_to(0);
  CHECK(host.settled.size() == 1);
  window.deliver_up_to(1000);
  CHECK(host.settled.size() == 1);
}

TEST_CASE_METHOD(Fixture, "there is room for so many messages, and bytes, and for any one alone") {
  CHECK(window.wait_for_room(1000, soon()));
  const auto large = add(7, 0, 1000);
  CHECK_FALSE(window.wait_for_room(0, soon()));
  window.deliver(large);
  for (std::uint32_t i = 1; i < 5; ++i) {
    CHECK(window.wait_for_room(10, soon()));
    add(7, i);
  }
  CHECK_FALSE(window.wait_for_room(0, soon()));
}

TEST_CASE_METHOD(Fixture, "who waits for room is woken by an acknowledgement") {
  const auto first = add(7, 0, 100);
  std::thread acknowledges([&] { window.deliver(first); });
  CHECK(window.wait_for_room(100, TakenWindow::Clock::now() + 20s));
  acknowledges.join();
}

TEST_CASE_METHOD(Fixture, "who waits is woken when the connection is lost") {
  const auto first = add(7, 0, 100);
  std::thread loses([&] { window.interrupt(); });
  CHECK_FALSE(window.wait_for_room(100, TakenWindow::Clock::now() + 20s));
  CHECK_FALSE(window.wait_until_empty(TakenWindow::Clock::now() + 20s));
  loses.join();
  window.clear();
  CHECK(window.wait_for_room(100, soon()));
  CHECK(window.wait_until_empty(soon()));
  CHECK(add(9, 0) == first);  // numbers begin again
  CHECK(host.settled.empty());
}
