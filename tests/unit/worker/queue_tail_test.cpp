// SPDX-License-Identifier: Apache-2.0
#include "worker/queue_tail.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>

#include "failing_disk.h"
#include "worker/disk_queue_kit.h"

using namespace standpipe;
using namespace std::chrono_literals;
using deliver::QueueOptions;
using deliver::Reason;
using test::Texts;
using Fixture = test::DiskQueueFixture;

// Stands in for the C library's, for all tests of this folder.
extern "C" int fdatasync(int fd) {
  ++test::syncs().calls;
  if (!test::syncs().error) return static_cast<int>(::syscall(SYS_fdatasync, fd));
  errno = test::syncs().error;
  return -1;
}

TEST_CASE("nothing is synced for a handler that keeps up, however much it takes") {
  Fixture f({.type = QueueOptions::Type::disk, .size_max = 1 * MiB, .sync = 100ms});
  test::syncs().reset();
  Texts files;
  for (int i = 0; i < 60; ++i) {
    REQUIRE(f.append(std::string(10'000, '.')));
    f.settle();
    CHECK(f.take().size() == 1);
    f.clock.now += 30ms;
    if (files.empty() || files.back() != f.files()[0]) files.push_back(f.files()[0]);
  }
  CHECK(test::syncs().calls == 0);
  CHECK(files.size() >= 3);  // segments came and went
  REQUIRE(f.append("it is not taken"));
  f.settle();
  CHECK(test::syncs().calls == 0);
  f.clock.now += 100ms;
  f.settle();
  CHECK(test::syncs().calls == 1);
  CHECK(f.queue->is_synced());
}

TEST_CASE("a full segment waits a moment for the handler, and is synced if that takes longer") {
  Fixture f({.type = QueueOptions::Type::disk, .size_max = 1 * MiB, .sync = 100ms});
  test::syncs().reset();
  const std::string large(10'000, '.');
  for (int i = 0; f.queue->is_moved(); ++i) {
    REQUIRE(f.append(large));
    f.settle();
    if (i < 10) CHECK(f.take().size() == 1);
  }
  CHECK(f.files().size() == 1);
  CHECK(test::syncs().calls == 0);
  f.clock.now += 11ms;
  f.settle();
  CHECK(test::syncs().calls == 1);
  CHECK(f.files().size() == 2);
  CHECK(f.queue->is_moved());
}

TEST_CASE("a worker that follows syncs what the dead one may not have") {
  Fixture f({.type = QueueOptions::Type::disk, .size_max = 1 * MiB, .sync = 100ms});
  REQUIRE(f.append("one"));
  f.settle();
  f.crash();
  test::syncs().reset();
  CHECK_FALSE(f.queue->is_synced());
  f.clock.now += 101ms;
  f.settle();
  CHECK(test::syncs().calls == 1);
  CHECK(f.queue->is_synced());
}

TEST_CASE("a folder that cannot be written makes messages wait, and is tried again") {
  Fixture f;
  const auto path = f.folder / "queue";
  std::ofstream(path) << "in the way";
  f.append_all(0, 5);
  f.settle();
  CHECK_FALSE(f.queue->is_moved());
  CHECK(f.in_flight() == 5);
  REQUIRE(f.reporter.reported.size() == 1);
  CHECK(f.reporter.reported[0].message.find("in -> it: its queue takes no more") == 0);
  std::filesystem::remove(path);
  f.settle();
  CHECK_FALSE(f.queue->is_moved());
  f.clock.now += 6s;
  CHECK(f.take_all() == Fixture::numbers(0, 5));
  CHECK(f.reporter.reported.back().message == "in -> it: its queue takes messages again");
}

TEST_CASE(
    "with sync: always nothing is taken before it is synced, with interval it is synced later") {
  Fixture always({.type = QueueOptions::Type::disk, .sync = QueueOptions::kAlways});
  always.append_all(0, 10);
  CHECK(always.take_all() == Fixture::numbers(0, 10));
  Fixture interval({.type = QueueOptions::Type::disk, .sync = 100ms});
  interval.append_all(0, 10);
  interval.settle(false);
  CHECK(interval.queue->wake_at() == interval.clock.now + 100ms);
  interval.clock.now += 100ms;
  interval.settle(false);
  CHECK_FALSE(interval.queue->wake_at());
  Fixture never({.type = QueueOptions::Type::disk, .sync = QueueOptions::kNever});
  never.append_all(0, 10);
  never.settle(false);
  CHECK_FALSE(never.queue->wake_at());
}

TEST_CASE("a segment that is deleted while it is written to costs nothing that comes later") {
  Fixture f;
  f.append_all(0, 10);
  f.settle(false);
  REQUIRE(f.files().size() == 1);
  std::filesystem::remove_all(f.folder / "queue");
  f.append_all(10, 20);
  f.settle(false);
  CHECK(f.was_told("1.log was removed while it was in use"));
  f.append_all(20, 30);
  f.settle(false);
  CHECK(f.take_all() == Fixture::numbers(0, 30));
  f.append_all(30, 40);
  f.settle(false);
  f.stop_and_start();
  CHECK(f.take_all() == Fixture::numbers(30, 40));
}

TEST_CASE("a sync that failed is tried again, and writes again what is in doubt") {
  Fixture f({.type = QueueOptions::Type::disk, .sync = 100ms});
  f.append_all(0, 10);
  f.settle(false);
  test::syncs().error = EIO;
  f.clock.now += 100ms;
  f.settle(false);
  test::syncs().error = 0;
  CHECK_THAT(f.queue->stuck(), Catch::Contains("may not survive a failure of power"));
  CHECK(f.queue->wake_at() == f.clock.now + 5s);
  f.clock.now += 5s;
  const int before = test::syncs().calls;
  f.settle(false);
  CHECK(test::syncs().calls == before + 1);
  CHECK(f.queue->stuck().empty());
  CHECK_FALSE(f.queue->wake_at());
  CHECK(f.take_all() == Fixture::numbers(0, 10));
}
