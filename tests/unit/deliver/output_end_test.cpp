// SPDX-License-Identifier: Apache-2.0
// Output: what becomes of what it was asked to send when its handlers have gone.
#include "deliver/output.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "deliver/one_output.h"

using namespace standpipe;
using namespace std::chrono_literals;

using test::framed, test::Reader, test::unframed;

namespace {

// Messages of a page, of which its FIFO and its stage hold some.
class Left : public test::OneOutput {
 public:
  Left()
      : OneOutput(
            [](const auto& in) {
              return plugin::FifoOutputRequest{in / "out", 0600, true, true};
            },
            16 * KiB) {}
  static std::string page(int number) {
    return std::to_string(number) + ' ' + std::string(4000, '.');
  }
  void send_pages(int count) {
    for (int i = 0; i < count; ++i) send(page(i));
    pump();
  }
  void pump() {
    for (int i = 0; i < 20; ++i) {
      while (output->pump(now)) {
      }
      now += 1s;
    }
  }
  void visit() { now = output->visit(now); }
  // Messages that wait to be given to their handler again.
  std::uint64_t back() const {
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < delivery->redeliveries().size(); ++i)
      count += delivery->redeliveries()[i].range.count;
    return count;
  }
  std::string path() const { return folder / "out"; }

  Nanoseconds now{1s};
};

}  // namespace

TEST_CASE("what nobody reads goes back at once") {
  Left left;
  left.send_pages(3);
  left.output->end_by(left.now + 1h, left.now);
  CHECK(left.output->idle());
  CHECK(left.back() == 3);
  CHECK(left.senders.returns > 0);
}

TEST_CASE("what a reader took part of goes back when it dies") {
  Left left;
  {
    Reader reader(left.path());
    left.send_pages(3);
    CHECK(reader.read(4006) == framed(Left::page(0)));
    left.output->end_by(left.now + 1h, left.now);
    CHECK(left.back() == 0);
  }
  left.visit();
  CHECK(left.output->idle());
  CHECK(left.delivered() == 1);
  CHECK(left.back() == 2);
}

TEST_CASE("a reader gets all that it takes in time") {
  Left left;
  Reader reader(left.path());
  left.send_pages(100);
  left.output->end_by(left.now + 1h, left.now);
  std::string got;
  for (int i = 0; i < 100; ++i) {
    got += reader.read();
    left.pump();
    left.visit();
  }
  CHECK(unframed(got).size() == 100);
  CHECK(left.delivered() == 100);
  CHECK(left.back() == 0);
}

TEST_CASE("a reader that stands still keeps whole messages, and the rest goes back") {
  Left left;
  Reader reader(left.path());
  left.send_pages(100);
  left.output->end_by(left.now + 1s, left.now);
  CHECK(left.back() == 0);
  left.visit(), left.visit();
  REQUIRE(left.back() > 0);
  const auto waiting = left.back();
  std::string got, rest;
  for (int i = 0; i < 100; ++i) {
    got += reader.read();
    left.pump();
    left.visit();
  }
  CHECK(unframed(got, &rest).size() == 100 - waiting);
  CHECK(rest.empty());
  CHECK(left.output->idle());
  CHECK(left.delivered() == 100 - waiting);
  CHECK(left.back() == waiting);
}

TEST_CASE("an output that is sent to again does not end") {
  Left left;
  left.send_pages(1);
  Reader reader(left.path());
  left.pump();
  left.output->end_by(left.now + 1s, left.now);
  left.send_pages(2);
  left.now += 1h;
  left.visit();
  CHECK(left.back() == 0);
  CHECK_FALSE(left.output->idle());
}
