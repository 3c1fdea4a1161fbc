// SPDX-License-Identifier: Apache-2.0
#include "worker/disk_queue.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "failing_disk.h"
#include "worker/disk_queue_kit.h"

using namespace standpipe;
using namespace std::chrono_literals;
using deliver::QueueOptions;
using deliver::Reason;
using test::Texts;
using Fixture = test::DiskQueueFixture;

TEST_CASE("messages come out of a queue on disk in order, and once") {
  Fixture f;
  f.append_all(0, 1000);
  CHECK(f.take_all() == Fixture::numbers(0, 1000));
  CHECK(f.in_flight() == 0);
  CHECK(f.matched() == 1000);
  f.append_all(1000, 1010);
  CHECK(f.take_all() == Fixture::numbers(1000, 1010));
  CHECK(f.reporter.reported.empty());
}

TEST_CASE("a source goes on while its handler is away, however much comes") {
  Fixture f;
  const std::string large(10'000, '.');
  for (int i = 0; i < 1000; ++i)
    if (!f.append(std::to_string(i) + large)) {
      f.settle();
      REQUIRE(f.append(std::to_string(i) + large));
    }
  f.settle();
  CHECK(f.queue->is_moved());
  CHECK(f.source_log->empty());
  CHECK(f.queue->in_files() > 800);
  CHECK(f.in_flight() == 1000);
  const auto got = f.take_all();
  REQUIRE(got.size() == 1000);
  for (int i = 0; i < 1000; ++i)
    CHECK(got[static_cast<std::size_t>(i)] == std::to_string(i) + large);
}

TEST_CASE("segments go when all of theirs was handled, and the last one when a queue stays empty") {
  Fixture f({.type = QueueOptions::Type::disk, .size_max = 1 * MiB});
  const std::string large(10'000, '.');
  for (int i = 0; i < 60; ++i) {
    REQUIRE(f.append(large));
    f.settle(false);
  }
  CHECK(f.files().size() >= 3);
  CHECK(f.take_all().size() == 60);
  f.settle();
  CHECK(f.files().size() == 1);
  f.clock.now += 2s;
  f.settle();
  CHECK(f.files().empty());
  f.append_all(0, 3);
  CHECK(f.take_all() == Fixture::numbers(0, 3));
}

TEST_CASE("a worker that dies anywhere leaves the next one all messages, once and in order") {
  Fixture f({.type = QueueOptions::Type::disk, .size_max = 1 * MiB});
  Texts got;
  int next = 0;
  for (int life = 0; life < 60; ++life) {
    for (int i = 0; i < 50; ++i, ++next)
      if (!f.append(std::to_string(next) + std::string(500, '.'))) --next, f.settle();
    for (int step = 0; step < life % 7; ++step) {
      f.queue->advance(life % 3 > 0);
      if (life % 2) std::this_thread::sleep_for(1ms);
    }
    for (const auto& text : f.take(static_cast<std::size_t>(life % 5) * 20))
      got.push_back(text.substr(0, text.find('.')));
    f.crash();
  }
  for (const auto& text : f.take_all()) got.push_back(text.substr(0, text.find('.')));
  CHECK(got == Fixture::numbers(0, next));
  CHECK(f.in_flight() == 0);
  CHECK(f.reporter.reported.empty());
}

TEST_CASE("what a stop leaves comes first in the next run, and nothing comes twice") {
  Fixture f;
  f.append_all(0, 500);
  f.settle();
  CHECK(f.take(123) == Fixture::numbers(0, 123));
  f.stop_and_start();
  CHECK(f.in_flight() == 377);
  f.append_all(500, 510);
  CHECK(f.take_all() == Fixture::numbers(123, 510));
  f.stop_and_start();
  CHECK(f.files().empty());
  CHECK(f.in_flight() == 0);
}

TEST_CASE("many stops, with a part handled in each run") {
  Fixture f({.type = QueueOptions::Type::disk, .size_max = 2 * MiB});
  Texts got;
  for (int run = 0; run < 20; ++run) {
    f.append_all(run * 100, run * 100 + 100);
    f.settle();
    const auto some = f.take(static_cast<std::size_t>(run) * 9);
    got.insert(got.end(), some.begin(), some.end());
    f.stop_and_start();
  }
  const auto rest = f.take_all();
  got.insert(got.end(), rest.begin(), rest.end());
  CHECK(got == Fixture::numbers(0, 2000));
}

TEST_CASE("after the death of all what was moved is there, from a segment's beginning") {
  Fixture f;
  f.append_all(0, 300);
  f.settle();
  CHECK(f.take(10) == Fixture::numbers(0, 10));
  f.kill_all();
  CHECK(f.take_all() == Fixture::numbers(0, 300));
}

TEST_CASE("a full queue that blocks takes no more until something was handled") {
  Fixture f({.type = QueueOptions::Type::disk, .size_max = 1 * MiB, .messages_max = 10});
  f.append_all(0, 30);
  f.settle();
  CHECK(f.queue->waiting() == 10);
  CHECK_FALSE(f.queue->is_moved());
  CHECK_FALSE(f.queue->stuck().empty());
  CHECK(f.take(4) == Fixture::numbers(0, 4));
  f.settle();
  CHECK(f.queue->waiting() == 10);
  CHECK(f.take_all() == Fixture::numbers(4, 30));
  CHECK(f.dropped(Reason::queue_full) == 0);
}

TEST_CASE("a full queue that drops the newest has the first messages") {
  Fixture f({.type = QueueOptions::Type::disk,
             .size_max = 1 * MiB,
             .messages_max = 10,
             .when_full = QueueOptions::WhenFull::drop_newest});
  f.append_all(0, 30);
  f.settle();
  CHECK(f.dropped(Reason::queue_full) == 20);
  CHECK(f.take_all() == Fixture::numbers(0, 10));
  CHECK(f.in_flight() == 0);
}

TEST_CASE("a full queue that drops the oldest has the last messages") {
  Fixture f({.type = QueueOptions::Type::disk,
             .size_max = 1 * MiB,
             .messages_max = 10,
             .when_full = QueueOptions::WhenFull::drop_oldest});
  for (int i = 0; i < 30; ++i) {
    f.append_all(i, i + 1);
    f.settle();
  }
  CHECK(f.dropped(Reason::queue_full) + f.in_flight() == 30);
  const auto got = f.take_all();
  REQUIRE_FALSE(got.empty());
  CHECK(got == Fixture::numbers(30 - static_cast<int>(got.size()), 30));
}

TEST_CASE("the same in bytes: whole segments go") {
  Fixture f({.type = QueueOptions::Type::disk,
             .size_max = 1 * MiB,
             .when_full = QueueOptions::WhenFull::drop_oldest});
  const std::string large(10'000, '.');
  for (int i = 0; i < 1000; ++i) {
    REQUIRE(f.append(std::to_string(i) + large));
    f.settle();
  }
  CHECK(f.queue->bytes() <= 1 * MiB);
  const auto got = f.take_all();
  CHECK(f.dropped(Reason::queue_full) + got.size() == 1000);
  REQUIRE(got.size() > 50);
  CHECK(got.back() == "999" + large);
  CHECK(f.in_flight() == 0);
}

TEST_CASE("a queue that is empty can be removed, and one that is not stays") {
  Fixture f;
  f.append_all(0, 3);
  f.settle();
  CHECK_FALSE(worker::DiskQueue::is_empty(*f.memory, "in", "it"));
  CHECK(f.take_all().size() == 3);
  CHECK(worker::DiskQueue::is_empty(*f.memory, "in", "it"));
  CHECK(worker::DiskQueue::is_empty(*f.memory, "in", "nobody"));
}

TEST_CASE("what is in a handler's hands makes no room: what comes is dropped, and nothing spins") {
  Fixture f({.type = QueueOptions::Type::disk,
             .size_max = 1 * MiB,
             .messages_max = 1,
             .when_full = QueueOptions::WhenFull::drop_oldest});
  f.append_all(0, 1);
  f.settle();
  const auto in_hand = f.hand_out();
  f.append_all(1, 4);
  f.settle();
  CHECK_FALSE(f.queue->advance(true).more);
  CHECK(f.dropped(Reason::queue_full) == 3);
  CHECK(f.in_flight() == 1);
  f.finish(in_hand);
  f.append_all(4, 5);
  CHECK(f.take_all() == Fixture::numbers(4, 5));
}

TEST_CASE("what is left in a segment that was deleted is said to be lost at a stop") {
  for (const bool is_fed : {false, true}) {
    Fixture f;
    f.append_all(0, 10);
    f.settle(is_fed);
    std::filesystem::remove_all(f.folder / "queue");
    f.append_all(10, 20);
    f.settle(is_fed);
    f.queue->finish();
    CHECK(f.dropped(Reason::damaged) == 10);
    CHECK(f.in_flight() == 10);
    CHECK(f.was_told("10 messages"));
    f.kill_all();
    CHECK(f.take_all() == Fixture::numbers(10, 20));
  }
}

TEST_CASE(
    "after the death of all, what was handled more than a second before does not come again") {
  Fixture f;
  f.append_all(0, 300);
  f.settle();
  CHECK(f.take(100) == Fixture::numbers(0, 100));
  f.settle();
  f.clock.now += 1s;
  f.settle();
  CHECK(f.take(50) == Fixture::numbers(100, 150));
  f.kill_all();
  CHECK(f.take_all() == Fixture::numbers(100, 300));
}

TEST_CASE("a queue that drops gives way when the disk is full, and one that blocks waits") {
  for (const auto when_full :
       {QueueOptions::WhenFull::drop_newest, QueueOptions::WhenFull::block}) {
    Fixture f({.type = QueueOptions::Type::disk, .when_full = when_full});
    f.append_all(0, 5);
    f.settle(false);
    const test::FullDisk full(100);
    int came = 5;
    while (f.append(std::to_string(came) + std::string(10'000, '.'))) {
      ++came;
      f.settle(false);
    }
    CHECK_FALSE(f.queue->stuck().empty());
    const bool drops = when_full == QueueOptions::WhenFull::drop_newest;
    CHECK(f.queue->give_way() == drops);
    CHECK_FALSE(f.queue->give_way());
    CHECK(f.dropped(Reason::queue_full) == (drops ? static_cast<std::uint64_t>(came) - 5 : 0));
    CHECK(f.queue->is_moved() == drops);
    const auto& last = f.reporter.reported.back().message;
    CHECK((last.find("messages are dropped") != std::string::npos) == drops);
  }
}

TEST_CASE("files go as they are passed, however slow the handler is") {
  Fixture f({.type = QueueOptions::Type::disk, .size_max = 1 * MiB});
  const std::string large(30'000, '.');
  std::size_t most = 0;
  for (int i = 0; i < 120; ++i) {
    REQUIRE(f.append(large));
    f.settle();
    if (i >= 20) CHECK(f.take(1).size() == 1);
    most = std::max(most, f.files().size());
  }
  CHECK(most < 12);
}

TEST_CASE("a handler that hangs keeps no files of what is dropped") {
  Fixture f({.type = QueueOptions::Type::disk,
             .size_max = 1 * MiB,
             .when_full = QueueOptions::WhenFull::drop_oldest});
  const std::string large(30'000, '.');
  REQUIRE(f.append(large));
  f.settle();
  const auto in_hand = f.hand_out();
  std::size_t most = 0;
  for (int i = 0; i < 150; ++i) {
    REQUIRE(f.append(std::to_string(i) + large));
    f.settle();
    most = std::max(most, f.files().size());
  }
  CHECK(most < 22);
  f.finish(in_hand);
  const auto got = f.take_all();
  REQUIRE_FALSE(got.empty());
  CHECK(got.back() == "149" + large);
  CHECK(f.dropped(Reason::queue_full) + got.size() == 150);
  CHECK(f.dropped(Reason::damaged) == 0);
}

// ---- an overflow

TEST_CASE("an overflow that is not armed leaves messages to the handler, and makes no file") {
  test::OverflowFixture f;
  f.append_all(0, 100);
  f.settle();
  CHECK_FALSE(f.queue->is_armed());
  CHECK(f.take_direct() == Fixture::numbers(0, 100));
  CHECK_FALSE(std::filesystem::exists(f.folder / "queue"));
}

TEST_CASE("what waits when an overflow is armed comes first, then what came meanwhile") {
  test::OverflowFixture f;
  f.append_all(0, 50);
  CHECK(f.take_direct(10) == Fixture::numbers(0, 10));
  f.press();
  f.settle();
  CHECK(f.queue->is_moved());
  CHECK(f.said("in: the log is full of what waits for it, which is away: from now on it goes to") ==
        1);
  f.append_all(50, 60);
  CHECK(f.take_both() == Fixture::numbers(10, 60));
  CHECK_FALSE(f.queue->is_armed());
  CHECK(f.files().empty());
  CHECK(f.in_flight() == 0);
  CHECK(f.said("in -> it: all that overflowed to the disk is delivered") == 1);
  f.append_all(60, 70);
  CHECK(f.take_direct() == Fixture::numbers(60, 70));
}

TEST_CASE("while files have some, what comes goes behind them, also when the handler is there") {
  test::OverflowFixture f;
  const std::string large(100'000, '.');
  for (int i = 0; i < 40; ++i) {
    REQUIRE(f.append(std::to_string(i) + large));
    f.press();
    f.settle();
  }
  f.queue->release();
  CHECK(f.queue->in_files() > 10);
  REQUIRE(f.append("last"));
  f.settle();
  CHECK(f.from->settled() == f.source_log->end());
  const auto got = f.take_both();
  REQUIRE(got.size() == 41);
  CHECK(got.back() == "last");
}

TEST_CASE("what comes while a handler takes the last of the files waits in the log, and is next") {
  test::OverflowFixture f;
  f.append_all(0, 20);
  f.press();
  f.settle();
  CHECK(f.queue->in_files() == 0);  // all of it is in the queue's log
  f.append_all(20, 30);
  f.settle();
  CHECK(f.from->settled() < f.source_log->end());
  CHECK(f.queue->is_armed());
  CHECK(f.take_direct().empty());
  CHECK(f.take() == Fixture::numbers(0, 20));
  f.settle();
  CHECK_FALSE(f.queue->is_armed());
  CHECK(f.take_direct() == Fixture::numbers(20, 30));
}

TEST_CASE("a worker that dies anywhere leaves an overflow as it was, in order and once") {
  test::OverflowFixture f(8 * MiB);
  Texts got;
  const auto note = [&](const Texts& some) {
    for (const auto& text : some) got.push_back(text.substr(0, text.find('.')));
  };
  int next = 0;
  for (int life = 0; life < 80; ++life) {
    for (int i = 0; i < 50; ++i, ++next)
      if (!f.append(std::to_string(next) + std::string(500, '.'))) --next, f.settle();
    if (life % 3 == 0) f.press();
    if (life % 5 == 0) f.queue->release();
    for (int step = 0; step < life % 7; ++step) {
      f.queue->advance(life % 4 > 0);
      if (life % 2) std::this_thread::sleep_for(1ms);
    }
    note(f.take(static_cast<std::size_t>(life % 5) * 30));
    if (f.queue->in_files() == 0 && f.to->tally().matched == f.to->tally().settled())
      note(f.take_direct(static_cast<std::size_t>(life % 6) * 10));
    f.crash();
  }
  note(f.take_both());
  CHECK(got == Fixture::numbers(0, next));
  CHECK(f.in_flight() == 0);
  CHECK(f.files().empty());
}

TEST_CASE("what overflowed before a stop, or a death of all, comes first in the next run") {
  test::OverflowFixture f;
  f.append_all(0, 200);
  f.press();
  f.settle();
  CHECK(f.take(50) == Fixture::numbers(0, 50));
  f.stop_and_start();
  CHECK(f.queue->is_armed());
  CHECK(f.in_flight() == 150);
  f.append_all(200, 210);
  CHECK(f.take_both() == Fixture::numbers(50, 210));
  f.append_all(0, 20);
  f.press();
  f.settle();
  f.kill_all();
  CHECK(f.take_both() == Fixture::numbers(0, 20));
  f.stop_and_start();
  CHECK_FALSE(f.queue->is_armed());
}

TEST_CASE("a full overflow takes no more, says so once, and goes on when there is room") {
  test::OverflowFixture f(200 * KiB);
  const std::string large(10'000, '.');
  for (int i = 0; i < 40; ++i) REQUIRE(f.append(std::to_string(i) + large));
  f.press();
  for (int i = 0; i < 5; ++i) f.settle();
  CHECK(f.queue->bytes_on_disk() <= 200 * KiB);
  CHECK(f.queue->stuck().find("what overflows fills all that may (200KiB") == 0);
  CHECK(f.said("in -> it: no more of what waits for it goes to the disk") == 1);
  CHECK(f.queue->wake_at());
  f.clock.now += 11s;
  f.settle();
  CHECK(f.said("in -> it: no more of what waits for it goes to the disk") == 2);
  CHECK(f.in_flight() == 40);
  const auto got = f.take_both();
  REQUIRE(got.size() == 40);
  for (int i = 0; i < 40; ++i) CHECK(got[static_cast<std::size_t>(i)] == std::to_string(i) + large);
  CHECK(f.dropped(Reason::queue_full) == 0);
}

TEST_CASE("where the disk takes nothing, a handler that is back gets all from the source's log") {
  test::OverflowFixture f;
  std::ofstream(f.folder / "queue") << "in the way";
  f.append_all(0, 5);
  f.press();
  f.settle();
  CHECK(f.queue->is_armed());
  CHECK(f.said("in -> it: no more of what waits for it goes to the disk") == 1);
  CHECK(f.take_both() == Fixture::numbers(0, 5));
  CHECK_FALSE(f.queue->is_armed());
}

TEST_CASE("a disk that takes no more for a while costs nothing") {
  test::OverflowFixture f;
  std::ofstream(f.folder / "queue") << "in the way";
  f.append_all(0, 5);
  f.press();
  f.settle();
  std::filesystem::remove(f.folder / "queue");
  f.clock.now += 6s;
  f.settle();
  CHECK(f.queue->is_moved());
  CHECK(f.said("in -> it: its overflow takes messages again") == 1);
  CHECK(f.take_both() == Fixture::numbers(0, 5));
}
