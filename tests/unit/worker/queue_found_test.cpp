// SPDX-License-Identifier: Apache-2.0
#include "worker/queue_found.h"

#include <array>
#include <catch2/catch.hpp>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "worker/disk_queue_kit.h"

using namespace standpipe;
using namespace std::chrono_literals;
using deliver::QueueOptions;
using deliver::Reason;
using test::Texts;
using Fixture = test::DiskQueueFixture;

namespace {

// The files of a queue of "in" for "it". Verbs: make (a segment with so many messages), find.
class FoundFixture {
 public:
  void make(std::uint64_t first, std::uint32_t messages) {
    files.segments().make_folder();
    auto file = log::DiskLog::open(files.path(first), log::DiskLog::Access::append);
    for (std::uint32_t i = 0; i < messages; ++i) {
      const auto meta = deliver::QueueRecord{first + i, 1, 1}.meta();
      const std::string frame = test::framed("abc");
      const std::array parts{std::as_bytes(std::span(frame))};
      REQUIRE_FALSE(file.append(meta, parts));
    }
    REQUIRE_FALSE(file.sync());
  }
  worker::QueueFound find() { return worker::find_queue(files, reports); }

  test::TemporaryFolder folder;
  test::SettableClock clock;
  test::Listening reporter;
  worker::QueueFiles files{{folder.path(), "in", "it"}, reporter};
  worker::QueueReports reports{{"in", "it", files.segments().folder(), false}, clock, reporter};
};

}  // namespace

TEST_CASE_METHOD(FoundFixture, "a queue without files begins with message 1, in no segment") {
  const auto found = find();
  CHECK(found.left.next == 1);
  CHECK(found.left.fed == 1);
  CHECK(found.left.segment == 0);
  CHECK(found.left.read_segment == 0);
  CHECK_FALSE(found.file);
  CHECK(reporter.reported.empty());
}

TEST_CASE_METHOD(FoundFixture,
                 "the last segment tells where a queue ends, the first how much was handled") {
  make(5, 10);
  make(15, 4);
  REQUIRE_FALSE(log::DiskLog::set_done(files.path(5), 3));
  const auto found = find();
  CHECK(found.left.next == 19);
  CHECK(found.left.segment == 15);
  CHECK(found.left.read_segment == 5);
  CHECK(found.left.fed == 8);
  REQUIRE(found.file);
  CHECK(found.left.end_bytes == found.file->bytes());
  CHECK(reporter.reported.empty());
}

TEST_CASE_METHOD(FoundFixture,
                 "a segment of a later version waits for the Standpipe that wrote it") {
  make(5, 10);
  std::ofstream(files.path(15), std::ios::binary) << "stdplog\n\x09" + std::string(51, '\0');
  const auto found = find();
  CHECK(found.left.next == 15);
  CHECK(found.left.read_segment == 5);
  CHECK(std::filesystem::exists(files.path(15) + ".newer"));
  REQUIRE(reporter.reported.size() == 1);
  CHECK(reporter.reported[0].message.ends_with("it is " + files.path(15) +
                                               ".newer now, and has its messages"));
}

TEST_CASE_METHOD(FoundFixture, "where the last segment is no file of ours the one before is read") {
  make(5, 10);
  std::ofstream(files.path(15)) << "this is something else, and longer than a header";
  const auto found = find();
  CHECK(found.left.next == 15);  // so no number is given twice
  CHECK(found.left.segment == 0);
  CHECK(found.left.read_segment == 5);
  CHECK(found.left.fed == 5);
  CHECK_FALSE(found.file);
  CHECK(files.last() == 5);
  REQUIRE(reporter.reported.size() == 1);
  CHECK(reporter.reported[0].message.find("its messages are not delivered") != std::string::npos);
}

TEST_CASE("what is no segment is set aside, with the reason") {
  Fixture f;
  f.append_all(0, 10);
  f.settle(false);
  f.stop_and_start();
  f.drop();
  const auto name = f.files().at(0);
  std::ofstream(f.file(name)) << "this is something else, and longer than a header";
  f.kill_all();
  CHECK(f.take_all().empty());
  CHECK(f.files() == std::vector<std::string>{name + ".damaged"});
  REQUIRE_FALSE(f.reporter.reported.empty());
  CHECK(f.reporter.reported.back().message.find("is not a disk log") != std::string::npos);
  f.append_all(10, 20);
  CHECK(f.take_all() == Fixture::numbers(10, 20));
}

TEST_CASE("a foreign file with an impossible number costs no message and no start") {
  Fixture f;
  f.append_all(0, 10);
  f.settle(false);
  f.stop_and_start();
  f.drop();
  for (const auto* name : {"18446744073709551615.log", "4000000000.log"})
    std::filesystem::copy_file(f.file("1.log"), f.file(name));
  f.kill_all();
  CHECK(f.in_flight() == 10);
  CHECK(f.take_all() == Fixture::numbers(0, 10));
  CHECK(f.dropped(Reason::damaged) == 0);
  f.append_all(10, 20);
  CHECK(f.take_all() == Fixture::numbers(10, 20));
  CHECK(f.was_told("4000000000.log has messages of other numbers than its name says"));
}

TEST_CASE("one damaged file does not take the place of another") {
  Fixture f;
  for (int run = 0; run < 2; ++run) {
    f.append_all(0, 10);
    f.settle(false);
    f.stop_and_start();
    f.drop();
    std::ofstream(f.file("1.log")) << "this is something else, and longer than a header";
    f.kill_all();
    CHECK(f.take_all().empty());
  }
  CHECK(f.files() == std::vector<std::string>{"1.log.damaged", "1.log.damaged-2"});
}
