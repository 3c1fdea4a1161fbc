// SPDX-License-Identifier: Apache-2.0
#include "worker/queue_mark.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <string>

#include "worker/disk_queue_kit.h"

using namespace standpipe;
using namespace std::chrono_literals;
using deliver::QueueOptions;
using Fixture = test::DiskQueueFixture;

namespace {

// How many of the messages of a file its header says are done with.
std::uint32_t done_in(const Fixture& f, const std::string& name) {
  return log::DiskLog::open(f.file(name), log::DiskLog::Access::read).done();
}

}  // namespace

TEST_CASE("how far the handler is stands in the first segment after a second, and not sooner") {
  Fixture f;
  f.append_all(0, 100);
  f.settle();
  CHECK(f.take(40).size() == 40);
  f.clock.now += 900ms;
  f.settle();
  CHECK(done_in(f, "1.log") == 0);
  CHECK(f.queue->wake_at() <= f.clock.now + 100ms);
  f.clock.now += 100ms;
  f.settle();
  CHECK(done_in(f, "1.log") == 40);
}

TEST_CASE("a handler that goes no further makes no mark") {
  Fixture f;
  f.append_all(0, 10);
  f.settle();
  CHECK(f.take(4).size() == 4);
  f.clock.now += 1s;
  f.settle();
  REQUIRE(done_in(f, "1.log") == 4);
  const auto written = std::filesystem::last_write_time(f.file("1.log"));
  f.clock.now += 10s;
  f.settle();
  CHECK(std::filesystem::last_write_time(f.file("1.log")) == written);
  CHECK(f.take(1).size() == 1);
  f.settle();  // the second since the last mark is over
  CHECK(done_in(f, "1.log") == 5);
}

TEST_CASE("a handler that is in a later segment needs no mark, since the first one is deleted") {
  Fixture f({.type = QueueOptions::Type::disk, .size_max = 1 * MiB});
  const std::string large(10'000, '.');
  for (int i = 0; i < 40; ++i) {
    REQUIRE(f.append(large));
    f.settle(false);
  }
  const auto before = f.files();
  REQUIRE(before.size() >= 3);
  const auto second = static_cast<std::size_t>(std::stoul(before[1]));
  f.settle();
  CHECK(f.take(second).size() == second);  // one more than the first has
  f.settle();
  REQUIRE(f.files().size() < before.size());
  f.clock.now += 1s;
  f.settle();
  CHECK(done_in(f, std::to_string(second) + ".log") == 1);
}
