// SPDX-License-Identifier: Apache-2.0
#include "worker/queue_files.h"

#include <array>
#include <catch2/catch.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "temporary_folder.h"
#include "worker/fifo_sources.h"

using namespace standpipe;
using worker::QueueFiles;

namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// The queue of "in" for "it". Verbs: make (a segment with one record), reads (what one has).
class FilesFixture {
 public:
  log::DiskLog make(std::uint64_t first, std::string_view payload = "abc") {
    files.segments().make_folder();
    auto file = log::DiskLog::open(files.path(first), log::DiskLog::Access::append);
    const std::array parts{bytes_of(payload)};
    REQUIRE_FALSE(file.append(bytes_of("meta"), parts));
    REQUIRE_FALSE(file.sync());
    files[first].bytes = file.bytes();
    return file;
  }
  static std::string reads(log::DiskLog& file) {
    log::DiskLog::ReadPosition at;
    const auto record = file.read_next(at);
    if (!record) return {};
    return {reinterpret_cast<const char*>(record->payload.data()), record->payload.size()};
  }
  std::vector<std::uint64_t> on_disk() const { return files.segments().find(); }

  test::TemporaryFolder folder;
  test::Listening reporter;
  QueueFiles files{{folder.path(), "in", "it"}, reporter};
};

}  // namespace

TEST_CASE_METHOD(FilesFixture, "a segment has the messages from its name on to the next one's") {
  CHECK(files.empty());
  CHECK_FALSE(files.that_has(7));
  for (const auto first : {5, 9, 20}) files[static_cast<std::uint64_t>(first)].bytes = 100;
  CHECK(files.first() == 5);
  CHECK(files.last() == 20);
  CHECK(files.after(5) == 9);
  CHECK(files.after(10) == 20);
  CHECK_FALSE(files.after(20));
  CHECK_FALSE(files.that_has(4));
  CHECK(files.that_has(5) == 5);
  CHECK(files.that_has(8) == 5);
  CHECK(files.that_has(9) == 9);
  CHECK(files.that_has(1000) == 20);
  CHECK(files.bytes() == 300);
  CHECK(files.bytes_from(6) == 200);
  CHECK(files.bytes_from(21) == 0);
}

TEST_CASE_METHOD(FilesFixture, "what a run left is found, with its sizes") {
  const auto bytes = make(3).bytes();
  files.forget_all();
  CHECK(files.empty());
  files.find();
  CHECK(files.first() == 3);
  CHECK(files.bytes() == bytes);
}

TEST_CASE_METHOD(FilesFixture, "segments go when the log has passed what it had of them") {
  for (const auto first : {1, 2, 3, 4}) (void)make(static_cast<std::uint64_t>(first));
  files[1].log_begin = 0, files[1].log_end = 100;
  files[2].log_begin = 100, files[2].log_end = 200;  // the handler has some of it
  files[3].log_begin = files[3].log_end = 200;       // nothing of it came into the log
  files.remove_passed(4, 150, 0);
  CHECK(on_disk() == std::vector<std::uint64_t>{2, 4});
  files.remove_passed(4, 199, 0);
  CHECK(on_disk().size() == 2);
  files.remove_passed(4, 200, 2);  // it is written to
  CHECK(on_disk().size() == 2);
  files.remove_passed(4, 200, 4);
  CHECK(on_disk() == std::vector<std::uint64_t>{4});
  CHECK(files.first() == 4);
}

TEST_CASE_METHOD(FilesFixture, "those before a message go, and one that cannot is reported") {
  (void)make(1);
  (void)make(5);
  std::filesystem::create_directories(files.path(3));
  files[3].bytes = 1;
  files.remove_before(5);
  CHECK(files.first() == 5);
  REQUIRE(reporter.reported.size() == 1);
  CHECK(reporter.reported[0].message.find("cannot delete " + files.path(3)) == 0);
  CHECK(std::filesystem::exists(files.path(5)));
  CHECK_FALSE(std::filesystem::exists(files.path(1)));
}

TEST_CASE_METHOD(FilesFixture, "the segment that was read last stays open, until it goes") {
  (void)make(1, "first");
  (void)make(2, "second");
  auto& file = files.read(1);
  CHECK(reads(file) == "first");
  CHECK(&files.read(1) == &file);
  std::filesystem::remove(files.path(1));
  CHECK(reads(files.read(1)) == "first");
  files.close();
  CHECK_THROWS_AS(files.read(1), Failure);
  CHECK(reads(files.read(2)) == "second");
  files.remove_before(3);
  CHECK_THROWS_AS(files.read(2), Failure);
}

TEST_CASE_METHOD(FilesFixture, "how far an earlier run was with a segment is found by opening it") {
  (void)make(1, "first");
  REQUIRE_FALSE(log::DiskLog::set_done(files.path(1), 1));
  auto& file = files.open(1);
  CHECK(file.done() == 1);
  CHECK(&files.read(1) == &file);
}

TEST_CASE_METHOD(FilesFixture, "a segment that somebody removed is readable until it goes") {
  auto file = make(4, "lost");
  std::filesystem::remove(files.path(4));
  CHECK_FALSE(files.lost());
  files.lose(4, std::move(file), {});
  REQUIRE(files.lost());
  CHECK(files.is_lost(4));
  CHECK_FALSE(files.is_lost(5));
  CHECK(reads(files.lost()->file) == "lost");
  files.remove_before(5);
  CHECK_FALSE(files.lost());
  CHECK(reporter.reported.empty());  // that it is gone already is no failure
  files.lose(6, std::nullopt, {});   // it could not be opened either
  CHECK_FALSE(files.lost());
}
