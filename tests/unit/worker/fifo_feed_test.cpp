// SPDX-License-Identifier: Apache-2.0
#include "worker/fifo_feed.h"

#include <catch2/catch.hpp>

#include "worker/fifo_sources.h"

using namespace standpipe;
using namespace test;

TEST_CASE(
    "killed after the commit of an accept, what it brought is found and nothing is waited for") {
  FifoSources f;
  Writer writer(f.path());
  writer.write(framed("alpha") + header(4) + "be");
  f.accept();
  f.crash();
  CHECK(f.take() == Payloads{"alpha"});
  writer.write("ta");
  f.accept();
  CHECK(f.take() == Payloads{"beta"});
}

TEST_CASE(
    "killed at any place of throwing away, each byte is counted once, and the stream continues "
    "where it ends") {
  for (std::size_t moved = 0; moved <= 9; ++moved) {
    for (const bool told : {true, false}) {
      for (const std::size_t read : {std::size_t{0}, moved}) {
        if (!told && read > 0) continue;
        FifoSources f;
        {
          Writer writer(f.path());
          writer.write("hello\n");
          f.accept();
          writer.write("more text");
          f.die_in(state::Step::discard, moved, told, read);
          f.crash();
          f.accept();
        }
        f.writers_left();
        Writer(f.path()).write(framed("sound"));
        f.accept();
        CHECK(f.take() == Payloads{"sound"});
        CHECK(f.counters().discarded_bytes == 6 + 9);
      }
    }
  }
}

TEST_CASE("writers that left while no worker lived are seen to be gone") {
  FifoSources f;
  Writer(f.path()).write(framed("whole") + header(9) + "half");
  f.crash();
  f.accept();
  CHECK(f.take() == Payloads{"whole"});
  CHECK(f.counters().truncated == 1);
}

namespace {

// A relay that writes down what it saw.
class Watching final : public worker::FifoFeed::Via {
 public:
  explicit Watching(const Pipe& stage) : stage_(stage) {}
  std::size_t most(std::uint64_t frame_bytes) override {
    needs.push_back(frame_bytes);
    return 10;
  }
  void in_stage(std::size_t bytes) override {
    CHECK(bytes_waiting(stage_.read_end.get()) == bytes);
    moved.push_back(bytes);
  }
  void out_of_stage(bool whole) override {
    CHECK(whole);
    CHECK(bytes_waiting(stage_.read_end.get()) == 0);
    ++ended;
  }

  std::vector<std::uint64_t> needs;
  std::vector<std::size_t> moved;
  int ended = 0;

 private:
  const Pipe& stage_;
};

}  // namespace

TEST_CASE(
    "who decorates the feed says how much a turn moves, and sees it while it lies in the stage") {
  FifoSources f;
  Writer writer(f.path());
  writer.write(framed("0123456789"));
  Watching via(f.stage);
  auto& source = *f.sources[0];
  CHECK(source.feed.feed(source.intake, &via) == worker::Turn::more);
  CHECK(source.feed.feed(source.intake, &via) == worker::Turn::idle);
  CHECK(via.needs == std::vector<std::uint64_t>{0, 14});
  CHECK(via.moved == std::vector<std::size_t>{10, 4});
  CHECK(via.ended == 2);
  CHECK(f.take() == Payloads{"0123456789"});
}

TEST_CASE("what is thrown away is shown to nobody") {
  FifoSources f;
  Writer writer(f.path());
  writer.write("hello, plain text");
  f.accept();
  writer.write("more of it");
  Watching via(f.stage);
  f.sources[0]->feed.feed(f.sources[0]->intake, &via);
  CHECK(via.moved.empty());
  CHECK(f.counters().discarded_bytes == 27);
}
