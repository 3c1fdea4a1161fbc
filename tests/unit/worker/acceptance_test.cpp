// SPDX-License-Identifier: Apache-2.0
#include "worker/acceptance.h"

#include <sys/epoll.h>

#include <catch2/catch.hpp>

#include "worker/fifo_sources.h"

using namespace standpipe;
using namespace test;

TEST_CASE("three frames cut at every byte arrive the same") {
  const Payloads sent = {"alpha", "", std::string(40, 'x')};
  std::string stream;
  for (const auto& s : sent) stream += framed(s);
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    FifoSources f;
    Writer writer(f.path());
    if (cut) writer.write(std::string_view(stream).substr(0, cut));
    f.accept();
    if (cut < stream.size()) writer.write(std::string_view(stream).substr(cut));
    f.accept();
    CHECK(f.take() == sent);
  }
}

TEST_CASE("one byte at a time arrives the same") {
  FifoSources f;
  Writer writer(f.path());
  for (const char c : framed("hello") + framed("") + framed("world")) {
    writer.write({&c, 1});
    f.accept();
  }
  CHECK(f.take() == Payloads{"hello", "", "world"});
}

TEST_CASE(
    "a truncated frame is reported with its place, counted, and does not touch what comes next") {
  FifoSources f;
  Writer(f.path()).write(framed("whole") + header(100) + "only this");
  f.accept();
  f.writers_left();
  REQUIRE(f.reporter.reported.size() == 1);
  CHECK(f.reporter.reported[0].message ==
        "in0: a frame was truncated: its writer left after 13 bytes of 104");
  CHECK(f.reporter.reported[0].notes ==
        Payloads{"at offset 9 of " + f.path() +
                 ": 64 00 00 00 6f 6e 6c 79 20 74 68 69 73  d...only this"});
  Writer(f.path()).write(framed("next"));
  f.accept();
  CHECK(f.take() == Payloads{"whole", "next"});
  CHECK(f.counters().truncated == 1);
  CHECK(f.counters().discarded_bytes == 13);
  CHECK(f.counters().accepted == 2);
}

TEST_CASE("a message of just the limit passes, one byte more does not") {
  FifoSources f(4 * MiB, 1, 1000);
  Writer writer(f.path());
  writer.write(framed(std::string(1000, 'x')));
  f.accept();
  CHECK(f.take().size() == 1);
  writer.write(framed(std::string(1001, 'x')));
  f.accept();
  CHECK(f.counters().bad_frame == 1);
}

TEST_CASE(
    "a large frame that stands still is abandoned when others wait, and exactly its rest is "
    "skipped") {
  FifoSources f(4 * MiB, 2, 2 * MiB);
  Writer slow(f.path(0)), other(f.path(1));
  f.begin_large(slow, 0);
  f.begin_large(other, 1);
  CHECK(f.accept(1) == worker::Turn::full);
  CHECK(f.sources[1]->intake.log().waits_for_arena());
  f.clock.now += kDribbleMax - 1s;
  CHECK_FALSE(f.sources[0]->end_dribble());
  f.clock.now += 1s;
  CHECK(f.sources[0]->end_dribble());
  CHECK(f.counters(0).truncated == 1);
  CHECK(f.accept(1) == worker::Turn::idle);
  const std::string some(32 * KiB, 'a');
  for (std::size_t left = 2 * MiB - 2; left > 0;) {
    const auto n = std::min(left, some.size());
    slow.write(std::string_view(some).substr(0, n));
    f.accept(0);
    left -= n;
  }
  slow.write(framed("in step again"));
  f.accept(0);
  CHECK(f.take(0) == Payloads{"in step again"});
  CHECK(f.counters(0).bad_frame == 0);
}

TEST_CASE("a writer that had no room is not to blame, nor one whose bytes were not processed yet") {
  FifoSources f(4 * MiB, 2, 2 * MiB);
  Writer first(f.path(0)), second(f.path(1));
  f.begin_large(second, 1);
  f.begin_large(first, 0);
  CHECK(f.accept(0) == worker::Turn::full);
  f.clock.now += 2 * kDribbleMax;
  CHECK_FALSE(f.sources[0]->end_dribble());
  second.write("more");
  CHECK_FALSE(f.sources[1]->end_dribble());
  f.accept(1);
  f.clock.now += kDribbleMax;
  CHECK(f.sources[1]->end_dribble());
  CHECK(f.accept(0) == worker::Turn::idle);  // has room since now
  CHECK_FALSE(f.sources[0]->end_dribble());
  f.clock.now += kDribbleMax;
  CHECK(f.sources[0]->end_dribble());
}

TEST_CASE("a frame that waits for memory and whose writer has gone does not keep its turn") {
  FifoSources f(4 * MiB, 2, 2 * MiB);
  Writer first(f.path(0));
  f.begin_large(first, 0);
  {
    Writer second(f.path(1));
    f.begin_large(second, 1);
    CHECK(f.accept(1) == worker::Turn::full);
  }
  f.sources[1]->feed.stream().on_event(EPOLLHUP);
  CHECK(f.accept(1) == worker::Turn::idle);
  CHECK(f.counters(1).truncated == 1);
  CHECK_FALSE(f.arena->large_waits());
  Writer(f.path(1)).write(framed("next"));
  f.accept(1);
  CHECK(f.take(1) == Payloads{"next"});
}
