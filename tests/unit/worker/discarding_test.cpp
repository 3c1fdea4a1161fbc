// SPDX-License-Identifier: Apache-2.0
#include "worker/discarding.h"

#include <unistd.h>

#include <catch2/catch.hpp>

#include "worker/fifo_sources.h"

using namespace standpipe;
using namespace test;

TEST_CASE("plain text is recognised, and discarded until its writers have gone") {
  FifoSources f;
  {
    Writer writer(f.path());
    writer.write("hello\n");
    f.accept();
    REQUIRE(f.reporter.reported.size() == 1);
    CHECK(f.reporter.reported[0].message ==
          "in0: a frame claims 1,819,043,176 bytes (limit 1,048,576)");
    CHECK(f.reporter.reported[0].notes[1] ==
          "its length is the text \"hell\": a writer sends plain text, not frames");
    writer.write(framed("after garbage"));
    f.accept();
  }
  f.writers_left();
  Writer(f.path()).write(framed("sound"));
  f.accept();
  CHECK(f.take() == Payloads{"sound"});
  CHECK(f.counters().bad_frame == 1);
  CHECK(f.counters().discarded_bytes == 6 + 17);
}

TEST_CASE(
    "text after a frame of the same stream is reported as text between frames, in a new stream as "
    "plain text") {
  FifoSources f;
  {
    Writer writer(f.path());
    writer.write(framed("good") + "debug: on\n");
    f.accept();
    REQUIRE(f.reporter.reported.size() == 1);
    CHECK(f.reporter.reported[0].notes[1].find("a writer prints text between its frames") !=
          std::string::npos);
  }
  f.writers_left();
  Writer(f.path()).write("hello\n");
  f.accept();
  REQUIRE(f.reporter.reported.size() == 3);
  CHECK(f.reporter.reported[2].notes[1].ends_with("a writer sends plain text, not frames"));
}

TEST_CASE("lengths in the other byte order are recognised") {
  FifoSources f;
  Writer(f.path()).write(std::string("\0\0\0\x08xxxxxxxx", 12));
  f.accept();
  REQUIRE(f.reporter.reported.size() == 1);
  CHECK(f.reporter.reported[0].notes[1].find("big endian") != std::string::npos);
}

TEST_CASE(
    "a source that discards because of a writer that stays is reported again, less often each "
    "time, whatever worker it is") {
  FifoSources f;
  CHECK_FALSE(f.sources[0]->feed.discarding().reminder_due());
  Writer writer(f.path());
  writer.write("hello\n");
  f.accept();
  const auto began = f.clock.now;
  CHECK(f.sources[0]->state().kind == worker::SourceState::Kind::discarding);
  CHECK(f.sources[0]->state().discarded_bytes == 6);
  CHECK(f.sources[0]->state().since == began);
  auto due = *f.sources[0]->feed.discarding().reminder_due();
  f.sources[0]->remind();  // not due
  CHECK(f.reporter.reported.size() == 1);
  Nanoseconds pause{0};
  for (std::size_t i = 1; i <= 12; ++i) {
    CHECK(due - f.clock.now > pause);
    pause = due - f.clock.now;
    f.clock.now = due;
    if (i == 2) f.crash();
    f.sources[0]->remind();
    CHECK(f.reporter.reported.size() == 1 + i);
    due = *f.sources[0]->feed.discarding().reminder_due();
  }
  CHECK(f.reporter.reported[1].message ==
        "in0: for 1 minute all that comes is discarded (6 bytes), because of a bad frame");
  CHECK(f.reporter.reported[1].help[0].find(f.path()) != std::string::npos);
}

TEST_CASE(
    "a clock that is set neither brings a reminder nor delays it, and since when is shown as it is "
    "set now") {
  const auto set_by = GENERATE(Nanoseconds(-24h * 365), Nanoseconds(24h * 365));
  FifoSources f;
  Writer writer(f.path());
  writer.write("hello\n");
  f.accept();
  f.clock.now += 50s;
  f.clock.set_by = set_by;
  f.sources[0]->remind();
  CHECK(f.reporter.reported.size() == 1);
  CHECK(f.sources[0]->state().since == f.clock.wall() - 50s);
  f.clock.now += 10s;
  f.sources[0]->remind();
  CHECK(f.reporter.reported.size() == 2);
  ::unlink(f.path().c_str());
  f.sources[0]->feed.name().is_reachable();
  f.clock.set_by = -set_by;
  f.clock.now += 5s;
  CHECK(f.sources[0]->state().since == f.clock.wall() - 5s);
}

TEST_CASE("what discarded and listens again is not reminded of") {
  FifoSources f;
  {
    Writer writer(f.path());
    writer.write("hello\n");
    f.accept();
  }
  f.writers_left();
  CHECK_FALSE(f.sources[0]->feed.discarding().active());
  CHECK_FALSE(f.sources[0]->feed.discarding().reminder_due());
  f.clock.now += 24h;
  f.sources[0]->remind();
  CHECK(f.reporter.reported.back().message ==
        "in0: its writers have gone; 6 bytes discarded, listening again");
}
