// SPDX-License-Identifier: Apache-2.0
#include "worker/skipping.h"

#include <catch2/catch.hpp>

#include "worker/fifo_sources.h"

using namespace standpipe;
using namespace test;

TEST_CASE("killed while the rest of a frame is skipped, exactly its rest is skipped") {
  for (const std::size_t moved : {0u, 1u, 100u}) {
    FifoSources f(4 * MiB, 2, 2 * MiB);
    Writer slow(f.path(0)), other(f.path(1));
    f.begin_large(slow, 0);
    f.begin_large(other, 1);
    f.accept(1);
    f.clock.now += kDribbleMax;
    REQUIRE(f.sources[0]->end_dribble());
    f.keeping->commit();
    std::string rest(2 * MiB - 2, 'a');
    for (std::size_t at = 0; at < rest.size();) {
      const auto n = std::min<std::size_t>(rest.size() - at, 32 * KiB);
      slow.write(std::string_view(rest).substr(at, n));
      if (at == 0 && moved) f.die_in(state::Step::discard, moved, false, 0);
      if (at == 0) f.crash();
      f.accept(0);
      at += n;
    }
    slow.write(framed("in step again"));
    f.accept(0);
    CHECK(f.take(0) == Payloads{"in step again"});
    CHECK(f.counters(0).discarded_bytes == 2 * MiB + 4);
  }
}

TEST_CASE(
    "exactly so many bytes are skipped, in however many turns, or none when the writers leave") {
  FifoSources f;
  auto& source = *f.sources[0];
  state::Persistent<worker::Skipping::State> state(*f.keeping, "skipping");
  worker::Skipping skipping(source.feed.stream(), state);
  f.keeping->commit();
  Writer writer(f.path());
  skipping.begin(7);
  for (const std::size_t part : {3u, 4u}) {
    writer.write(std::string(part, 'x'));
    CHECK(skipping.active());
    CHECK(skipping.turn(source.intake).bytes == part);
    f.keeping->commit();
  }
  CHECK_FALSE(skipping.active());
  CHECK(f.counters().discarded_bytes == 7);
  skipping.begin(5);
  writer.write("beyond the rest");
  CHECK(skipping.turn(source.intake).bytes == 5);
  f.keeping->commit();
  skipping.begin(5);
  skipping.end();
  CHECK_FALSE(skipping.active());
}
