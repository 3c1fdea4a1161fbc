// SPDX-License-Identifier: Apache-2.0
#include "worker/queue_head.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <string>
#include <thread>

#include "failing_disk.h"
#include "worker/disk_queue_kit.h"

using namespace standpipe;
using namespace std::chrono_literals;
using deliver::QueueOptions;
using deliver::Reason;
using test::Texts;
using Fixture = test::DiskQueueFixture;

TEST_CASE("a handler that keeps up is fed what was just written, and nothing is read again") {
  Fixture f;
  REQUIRE(f.append("one"));
  f.append_described("two", "value");
  REQUIRE(f.append("three"));
  (void)f.queue->advance(true);
  REQUIRE(f.queue->is_writing());
  const auto is_written = [&] {
    const auto files = f.files();
    return !files.empty() && std::filesystem::file_size(f.file(files[0])) > 200;
  };
  while (!is_written()) std::this_thread::sleep_for(1ms);
  for (std::uint64_t at = 56; at < 200; ++at) f.change_byte(f.files()[0], at);
  f.settle();
  CHECK(f.take() == Texts{"one", "two", "three"});
  CHECK(f.reporter.reported.empty());
  CHECK(f.in_flight() == 0);
}

TEST_CASE("what finds no room is not read again before the handler takes something") {
  Fixture f;
  for (int i = 0; i < 10'000; ++i)
    if (!f.append(std::to_string(i) + std::string(200, '.'))) f.settle();
  f.settle();
  REQUIRE(f.queue->in_files() > 0);
  const auto drops = f.queue->log().drops();
  for (int i = 0; i < 20; ++i) (void)f.queue->advance(true);
  CHECK(f.queue->log().drops() == drops);
  const auto waiting = f.queue->in_files();
  (void)f.take(5000);
  f.settle();
  CHECK(f.queue->in_files() < waiting);
}

TEST_CASE("metadata stays with its message") {
  Fixture f;
  f.append_all(0, 2);
  f.append_described("2", "value of two");
  f.append_all(3, 4);
  f.settle();
  CHECK(f.take(2) == Fixture::numbers(0, 2));
  const auto fields = f.queue->log().fields_of(f.queue->log().trimmed());
  f.settle();
  auto at = f.to->next();
  REQUIRE(f.queue->log().read(at, 0));
  const auto of_two = f.queue->log().fields_of(at);
  CHECK(std::string(reinterpret_cast<const char*>(of_two.data()), of_two.size())
            .find("value of two") != std::string::npos);
  CHECK(fields.empty());
  CHECK(f.take_all() == Fixture::numbers(2, 4));
}

TEST_CASE("a message that is damaged is dropped, said, and all others come") {
  Fixture f;
  f.append_all(0, 100);
  f.settle(false);
  f.stop_and_start();
  f.drop();
  const auto name = f.files().at(0);
  f.change_byte(name, std::filesystem::file_size(f.file(name)) / 2);
  f.kill_all();
  const auto got = f.take_all();
  CHECK(got.size() + f.dropped(Reason::damaged) == 100);
  CHECK(got.size() >= 90);
  CHECK(std::is_sorted(got.begin(), got.end(),
                       [](const auto& a, const auto& b) { return std::stoi(a) < std::stoi(b); }));
  CHECK_FALSE(f.reporter.reported.empty());
}

TEST_CASE("a segment that is gone costs its messages, and no start") {
  Fixture f({.type = QueueOptions::Type::disk, .size_max = 1 * MiB});
  const std::string large(10'000, '.');
  for (int i = 0; i < 60; ++i) {
    REQUIRE(f.append(std::to_string(i) + large));
    f.settle(false);
  }
  f.stop_and_start();
  const auto before = f.files();
  REQUIRE(before.size() >= 3);
  f.drop();
  std::filesystem::remove(f.file(before[1]));
  f.kill_all();
  const auto got = f.take_all();
  CHECK(got.size() + f.dropped(Reason::damaged) == 60);
  CHECK(got.size() > 30);
  CHECK(f.in_flight() == 0);
  for (const auto& all : f.reporter.reported) UNSCOPED_INFO(all.message);
  const auto at = std::ranges::find_if(f.reporter.reported, [&](const auto& all) {
    return all.message.ends_with(" messages after those of " + f.file(before[0]) +
                                 " are in no file: dropped (damaged)");
  });
  REQUIRE(at != f.reporter.reported.end());
  const auto& said = *at;
  REQUIRE(said.help.size() == 1);
  CHECK(said.help[0].starts_with(f.file(before[1]) + " is missing, or "));
}

TEST_CASE("a segment that cannot be opened now is not a damaged one") {
  Fixture f({.type = QueueOptions::Type::disk, .size_max = 1 * MiB});
  const std::string large(10'000, '.');
  for (int i = 0; i < 60; ++i) {
    REQUIRE(f.append(std::to_string(i) + large));
    f.settle(false);
  }
  REQUIRE(f.files().size() >= 3);
  f.settle(false);
  {
    const test::NoDescriptors none;
    for (int i = 0; i < 5; ++i) CHECK_FALSE(f.queue->advance(true).fed);
  }
  CHECK(f.dropped(Reason::damaged) == 0);
  CHECK(f.in_flight() == 60);
  f.clock.now += 6s;
  CHECK(f.take_all().size() == 60);
}
