// SPDX-License-Identifier: Apache-2.0
#include "worker/queue_writer.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "deliver/fifo_kit.h"
#include "temporary_folder.h"

using namespace standpipe;
using worker::QueueWriter;

namespace {

struct WriterFixture {
  QueueWriter::Job job(const std::string& name, std::uint64_t end = 0) {
    QueueWriter::Job job{.path = folder / name, .end = end};
    job.runs.push_back({deliver::QueueRecord{1, 1, 1}, std::as_bytes(std::span(frame))});
    return job;
  }
  test::TemporaryFolder folder;
  std::string frame = test::framed("a frame");
  std::atomic<int> woken{0};
  QueueWriter writer{[this] { ++woken; }};
  int a = 0, b = 0;  // who posts
};

}  // namespace

TEST_CASE_METHOD(WriterFixture, "what is posted is in the file when it is done") {
  writer.post(&a, job("1.log"));
  auto done = writer.wait(&a);
  REQUIRE(done.file);
  CHECK_FALSE(done.failure);
  CHECK(done.end == done.file->bytes());
  log::DiskLog::ReadPosition at;
  const auto read = done.file->read_next(at);
  REQUIRE(read);
  CHECK(std::string(reinterpret_cast<const char*>(read->payload.data()), read->payload.size()) ==
        frame);
  CHECK_FALSE(writer.take(&a));
}

TEST_CASE_METHOD(WriterFixture, "jobs of several are each told to whose they are") {
  writer.post(&a, job("1.log"));
  auto synced = job("2.log");
  synced.sync = QueueWriter::Sync::yes;
  writer.post(&b, std::move(synced));
  CHECK(writer.wait(&b).file->path() == folder / "2.log");
  CHECK(writer.wait(&a).file->path() == folder / "1.log");
}

TEST_CASE_METHOD(WriterFixture,
                 "a file that cannot be had is a failure, and the next job is done") {
  writer.post(&a, job("nowhere/1.log"));
  const auto failed = writer.wait(&a);
  REQUIRE(failed.failure);
  CHECK_FALSE(failed.file);
  writer.post(&a, job("1.log"));
  CHECK_FALSE(writer.wait(&a).failure);
}

TEST_CASE_METHOD(WriterFixture, "what lies after the end that counts is cut off") {
  writer.post(&a, job("1.log"));
  const auto end = writer.wait(&a).end;
  writer.post(&a, job("1.log", end));
  CHECK(writer.wait(&a).end > end);
  writer.post(&a, job("1.log", end));
  CHECK(writer.wait(&a).file->records() == 1);  // of those since it was opened
}

TEST_CASE_METHOD(WriterFixture, "what must be there before is made by the thread, and may fail") {
  auto first = job("new/1.log");
  std::thread::id made_by;
  first.before = [&] {
    made_by = std::this_thread::get_id();
    std::filesystem::create_directory(folder / "new");
  };
  writer.post(&a, std::move(first));
  CHECK_FALSE(writer.wait(&a).failure);
  CHECK(made_by != std::thread::id());
  CHECK(made_by != std::this_thread::get_id());
  auto second = job("2.log");
  second.before = [] { throw Failure("it is in the way"); };
  writer.post(&a, std::move(second));
  CHECK(writer.wait(&a).failure->what() == std::string("it is in the way"));
  CHECK_FALSE(std::filesystem::exists(folder / "2.log"));
}

TEST_CASE_METHOD(WriterFixture,
                 "a file that somebody has removed comes back, and nothing is done") {
  writer.post(&a, job("1.log"));
  auto done = writer.wait(&a);
  std::filesystem::remove(folder / "1.log");
  auto next = job("1.log", done.end);
  next.file = std::move(done.file);
  writer.post(&a, std::move(next));
  done = writer.wait(&a);
  CHECK(done.is_gone);
  REQUIRE(done.file);
  CHECK(done.file->records() == 1);
  CHECK_FALSE(std::filesystem::exists(folder / "1.log"));
}

TEST_CASE_METHOD(WriterFixture, "a mark is written beside a file that is in use") {
  writer.post(&a, job("1.log"));
  auto done = writer.wait(&a);
  writer.post(&a, {.mark = QueueWriter::Mark{folder / "1.log", 1}});
  CHECK_FALSE(writer.wait(&a).failure);
  CHECK(log::DiskLog::open(folder / "1.log", log::DiskLog::Access::read).done() == 1);
  writer.post(&a, {.mark = QueueWriter::Mark{folder / "gone.log", 1}});
  CHECK_FALSE(writer.wait(&a).failure);
}

TEST_CASE_METHOD(WriterFixture, "many files are begun and synced at once, each for itself") {
  constexpr std::size_t kMany = 200;
  std::vector<int> whose(kMany);
  std::atomic<int> at_once{0}, most_at_once{0};
  std::atomic<bool> may_begin = false;
  auto first = job("first.log");
  first.before = [&] { may_begin.wait(false); };  // until all others wait
  writer.post(&a, std::move(first));
  for (std::size_t i = 0; i < kMany; ++i) {
    auto one = job((i == 7 ? "nowhere/" : "") + std::to_string(i) + ".log");
    one.sync = i % 2 ? QueueWriter::Sync::yes : QueueWriter::Sync::no;
    one.before = [&] {
      const int now = ++at_once;
      for (auto most = most_at_once.load(); most < now;)
        if (most_at_once.compare_exchange_weak(most, now)) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      --at_once;
    };
    writer.post(&whose[i], std::move(one));
  }
  may_begin = true;
  may_begin.notify_all();
  for (std::size_t i = 0; i < kMany; ++i) {
    auto done = writer.wait(&whose[i]);
    CHECK(done.failure.has_value() == (i == 7));
    if (i == 7) continue;
    REQUIRE(done.file);
    CHECK(done.file->path() == folder / (std::to_string(i) + ".log"));
    CHECK(done.file->records() == 1);
  }
  CHECK(most_at_once > 1);
  CHECK(most_at_once <= 33);
}
