// SPDX-License-Identifier: Apache-2.0
#include "worker/inlet.h"

#include <catch2/catch.hpp>

#include "worker/spill_kit.h"

using namespace standpipe;
using test::framed, test::SpillKit, test::Texts;

TEST_CASE_METHOD(SpillKit,
                 "the FIFO's turn comes when what an earlier run left was fed, and not before") {
  log_max = 32 * KiB;
  const std::string large(10'000, 'x');
  spilled({"a 1" + large, "a 2" + large, "a 3" + large, "a 4" + large});
  start();
  write({"from the FIFO"});
  feed();
  CHECK(worker->inlet->counters().accepted < 4);
  Texts got;
  for (int i = 0; i < 10; ++i) {
    for (auto& p : take(0)) got.push_back(p.substr(0, 13));
    feed();
  }
  REQUIRE(got.size() == 5);
  CHECK(got.back() == "from the FIFO");
}

TEST_CASE_METHOD(SpillKit,
                 "a frame that had begun to come goes on when the worker dies, though a spill is "
                 "fed and not final") {
  spilled({"a one"});
  start();
  const auto frame = framed("two");
  write_bytes(frame.substr(0, 5));
  feed();
  crash();
  write_bytes(frame.substr(5));
  feed();
  CHECK(take(0) == Texts{"one", "two"});
  CHECK(counters().discarded_bytes == 0);
}

TEST_CASE_METHOD(
    SpillKit,
    "a frame that had begun to come goes on at a stop after a death, though a spill is not final") {
  spilled({"a one"});
  start();
  const auto frame = framed("two");
  write_bytes(frame.substr(0, 5));
  feed();
  crash();
  worker->inlet->cut_feed();
  worker->inlet->read_on();
  write_bytes(frame.substr(5));
  feed();
  CHECK(take(0) == Texts{"one", "two"});
}

TEST_CASE_METHOD(
    SpillKit,
    "of a length that a stop has cut the first bytes wait until what comes before them was fed") {
  start();
  write({"one"});
  const auto frame = framed("two");
  write_bytes(frame.substr(0, 2));
  feed();
  stop();
  const auto note = worker->inlet->stop_note();
  REQUIRE(note.head_bytes == 2);
  start(&note);
  for (const bool dies : {false, true}) {
    if (dies) crash();
    feed();
  }
  write_bytes(frame.substr(2));
  feed();
  CHECK(take(0) == Texts{"one", "two"});
  CHECK(counters().bad_frame == 0);
}

TEST_CASE_METHOD(
    SpillKit, "those bytes are in the next note again when the hub stops before their turn came") {
  log_max = 32 * KiB;
  const std::string large(10'000, 'x');
  start();
  write({"1" + large, "2" + large, "3" + large});
  const auto frame = framed("end");
  write_bytes(frame.substr(0, 2));
  feed();
  for (int hub = 0; hub < 2; ++hub) {
    stop();
    const auto note = worker->inlet->stop_note();
    CHECK(note.head_bytes == 2);
    start(&note);
    turn();
  }
  write_bytes(frame.substr(2));
  Texts got;
  for (int i = 0; i < 10; ++i) {
    feed();
    for (auto& p : take(0)) got.push_back(p.substr(0, 3));
    take(1);
  }
  CHECK(got == Texts{"1xx", "2xx", "3xx", "end"});
}
