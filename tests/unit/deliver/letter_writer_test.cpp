// SPDX-License-Identifier: Apache-2.0
#include "deliver/letter_writer.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "scripted.h"
#include "temporary_folder.h"

using namespace standpipe;
using namespace std::chrono_literals;
using deliver::DeadLetter;
using deliver::DeadLetters;
using deliver::LetterJob;
using deliver::LetterWriter;

namespace {

class Fixture {
 public:
  std::shared_ptr<LetterJob> job(std::uint64_t first, std::uint64_t letters) {
    auto made = std::make_shared<LetterJob>();
    made->details = {"why"};
    for (std::uint64_t i = 0; i < letters; ++i)
      made->letters.push_back({.source = "in",
                               .handler = "it",
                               .sequence = first + i,
                               .detail = made->details[0],
                               .payload = std::as_bytes(std::span(payload))});
    made->told = [this] { ++told; };
    return made;
  }
  std::vector<std::uint64_t> sequences() const {
    std::vector<std::uint64_t> all;
    deliver::DeadLetterReader reader(folder.path());
    while (const auto letter = reader.next()) all.push_back(letter->sequence);
    return all;
  }
  std::uint64_t purge(LetterWriter& writer, const std::string& filter) {
    const auto number = writer.begin_purge(*deliver::LetterFilter::parse(filter));
    while (!writer.last_purge().is_done) std::this_thread::sleep_for(1ms);
    CHECK(writer.last_purge().number == number);
    CHECK_FALSE(writer.last_purge().failure);
    return writer.last_purge().letters;
  }

  test::TemporaryFolder folder;
  test::Quiet quiet;
  std::string payload = std::string(100, 'x');
  std::atomic<int> told{0};
  std::uint64_t removed = 0;
};

}  // namespace

TEST_CASE_METHOD(Fixture, "batches are written in the order in which they were posted") {
  LetterWriter writer(DeadLetters(folder.path(), 1, quiet), removed);
  std::vector<std::shared_ptr<LetterJob>> jobs;
  for (std::uint64_t i = 0; i < 20; ++i) jobs.push_back(job(1 + 10 * i, 10));
  for (const auto& j : jobs) writer.post(j);
  for (const auto& j : jobs) {
    j->wait();
    CHECK_FALSE(j->failure);
  }
  CHECK(told == 20);
  std::vector<std::uint64_t> wanted;
  for (std::uint64_t i = 1; i <= 200; ++i) wanted.push_back(i);
  CHECK(sequences() == wanted);
}

TEST_CASE_METHOD(
    Fixture, "who is told finds the letters written, and what was posted is written at the end") {
  std::size_t found = 0;
  auto one = job(1, 3);
  one->told = [&] { found = sequences().size(); };
  auto other = job(4, 3);
  {
    LetterWriter writer(DeadLetters(folder.path(), 1, quiet), removed);
    writer.post(one);
    writer.post(other);
  }
  CHECK(one->is_done);
  CHECK(other->is_done);
  CHECK(found == 3);
  CHECK(sequences().size() == 6);
}

TEST_CASE_METHOD(Fixture, "a failure is the batch's own") {
  LetterWriter writer(DeadLetters(folder / "missing", 1, quiet), removed);
  const auto j = job(1, 2);
  writer.post(j);
  j->wait();
  REQUIRE(j->failure);
  CHECK_THAT(std::string(j->failure->what()), Catch::Contains("cannot dead-letter a message"));
  CHECK(writer.write(j->letters));  // who waits for it meets with the same
}

TEST_CASE_METHOD(Fixture, "what is removed to stay within the limits is counted") {
  LetterWriter writer(DeadLetters(folder.path(), 1, quiet, {.file = 4 * KiB, .all = 8 * KiB}),
                      removed);
  for (std::uint64_t i = 0; i < 30; ++i) {
    const auto j = job(1 + 10 * i, 10);
    writer.post(j);
    j->wait();
  }
  const auto left = sequences();
  CHECK(writer.removed() > 100);
  CHECK(writer.removed() + left.size() == 300);
  CHECK(left.back() == 300);
}

TEST_CASE_METHOD(Fixture, "letters are purged beside those that come") {
  LetterWriter writer(DeadLetters(folder.path(), 1, quiet), removed);
  const auto first = job(1, 5);
  writer.post(first);
  first->wait();
  CHECK(purge(writer, "handler=another") == 0);
  deliver::DeadLetterReader reader(folder.path());
  const auto id = deliver::letter_id(reader.next().value());
  CHECK(purge(writer, "id=" + id) == 1);
  const auto second = job(6, 2);
  writer.post(second);
  second->wait();
  CHECK(sequences() == std::vector<std::uint64_t>{2, 3, 4, 5, 6, 7});
  CHECK(purge(writer, "") == 6);
  CHECK(sequences().empty());
  CHECK(writer.removed() == 0);  // a person wanted that
}

TEST_CASE_METHOD(Fixture, "letters that come during a purge wait for one file, not for all") {
  LetterWriter writer(DeadLetters(folder.path(), 1, quiet, {.file = 4 * KiB, .all = 1 * MiB}),
                      removed);
  for (std::uint64_t i = 0; i < 30; ++i) REQUIRE_FALSE(writer.write(job(1 + 10 * i, 10)->letters));
  REQUIRE(DeadLetters::closed_in(folder.path()).size() > 5);
  std::atomic<bool> may_begin = false;
  writer.post([&](DeadLetters&) { may_begin.wait(false); });
  (void)writer.begin_purge(*deliver::LetterFilter::parse("handler=it"));
  const auto later = job(1001, 5);
  bool was_done = true;
  later->told = [&] { was_done = writer.last_purge().is_done; };
  writer.post(later);
  may_begin = true;
  may_begin.notify_all();
  later->wait();
  CHECK_FALSE(was_done);
  while (!writer.last_purge().is_done) std::this_thread::sleep_for(1ms);
  CHECK(writer.last_purge().letters == 300);
  CHECK(sequences() == std::vector<std::uint64_t>{1001, 1002, 1003, 1004, 1005});
}

TEST_CASE_METHOD(Fixture, "a writer that ends does not wait for the rest of a purge") {
  std::size_t files = 0;
  {
    LetterWriter writer(DeadLetters(folder.path(), 1, quiet, {.file = 4 * KiB, .all = 1 * MiB}),
                        removed);
    for (std::uint64_t i = 0; i < 30; ++i)
      REQUIRE_FALSE(writer.write(job(1 + 10 * i, 10)->letters));
    files = DeadLetters::closed_in(folder.path()).size();
    writer.post([&](DeadLetters&) { std::this_thread::sleep_for(50ms); });
    (void)writer.begin_purge(*deliver::LetterFilter::parse("handler=it"));
  }
  CHECK(DeadLetters::closed_in(folder.path()).size() > files / 2);
}

TEST_CASE_METHOD(Fixture, "letters are purged or replayed, but not both") {
  LetterWriter writer(DeadLetters(folder.path(), 1, quiet), removed);
  REQUIRE_FALSE(writer.write(job(1, 3)->letters));
  writer.begin_replay();
  CHECK_THROWS_WITH(writer.begin_purge({}), Catch::Contains("are being replayed"));
  writer.end_replay();
  std::atomic<bool> may_end = false;
  writer.post([&](DeadLetters&) { may_end.wait(false); });
  (void)writer.begin_purge({});
  CHECK_THROWS_WITH(writer.begin_replay(), Catch::Contains("are being purged"));
  may_end = true;
  may_end.notify_all();
  while (!writer.last_purge().is_done) std::this_thread::sleep_for(1ms);
  CHECK(writer.last_purge().letters == 3);
  writer.begin_replay();
}

TEST_CASE_METHOD(Fixture, "what was replayed leaves its files some time later, but not meanwhile") {
  LetterWriter writer(DeadLetters(folder.path(), 1, quiet), removed);
  REQUIRE_FALSE(writer.write(job(1, 3)->letters));
  std::vector<std::uint64_t> identities;
  {
    deliver::DeadLetterReader reader(folder.path());
    while (const auto letter = reader.next()) identities.push_back(letter->identity());
  }
  identities.pop_back();
  writer.begin_replay();
  REQUIRE_FALSE(writer.leave_out(identities));
  CHECK(sequences() == std::vector<std::uint64_t>{3});
  const auto list = deliver::ReplayedLetters::path_in(folder.path());
  const auto clean = [&] {
    const int before = told;
    writer.clean();
    writer.post([this](DeadLetters&) { ++told; });
    while (told == before) std::this_thread::sleep_for(1ms);
  };
  clean();
  CHECK(std::filesystem::exists(list));
  writer.end_replay();
  clean();
  CHECK_FALSE(std::filesystem::exists(list));
  CHECK(sequences() == std::vector<std::uint64_t>{3});
}
