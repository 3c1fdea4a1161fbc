// SPDX-License-Identifier: Apache-2.0
#include "log/record_appender.h"

#include <catch2/catch.hpp>
#include <cerrno>
#include <vector>

#include "base/limits.h"
#include "failing_disk.h"
#include "log/disk_file.h"

using namespace standpipe;
using log::RecordAppender, test::bytes_of, test::text_of;

namespace {

class Fixture {
 public:
  ~Fixture() { test::syncs().reset(); }
  // Returns whether that went well.
  bool append(std::string_view meta, std::string_view payload) {
    const auto part = bytes_of(payload);
    return !appender.append(bytes_of(meta), {&part, 1}, {});
  }
  std::size_t file_bytes() const { return file.content().size(); }

  test::DiskFile file{std::string(log::kFileHeaderBytes, 'h')};
  RecordAppender appender{file.path(), file.fd()};
};

constexpr std::size_t kRecord = log::kHeadBytes + 1 + 4;  // meta of 1 byte, payload of 4
constexpr std::size_t kBatch = log::kBatchHeadBytes;

}  // namespace

TEST_CASE_METHOD(Fixture, "records are collected, and are in the file when they were synced") {
  CHECK(append("m", "abcd"));
  CHECK(append("n", "efgh"));
  CHECK(file_bytes() == log::kFileHeaderBytes);
  CHECK(appender.now().records == 2);
  CHECK(appender.counted().records == 0);
  CHECK_FALSE(appender.sync());
  CHECK(file_bytes() == log::kFileHeaderBytes + kBatch + 2 * kRecord);
  CHECK(appender.counted().records == 2);
  CHECK(appender.counted().end == file_bytes());
  CHECK(text_of(appender.counted().last) == "n");
}

TEST_CASE_METHOD(Fixture, "nothing new is no reason to sync") {
  CHECK_FALSE(appender.sync());
  CHECK(test::syncs().calls == 0);
  CHECK(append("m", "abcd"));
  CHECK_FALSE(appender.sync());
  CHECK_FALSE(appender.sync());
  CHECK(test::syncs().calls == 1);
}

TEST_CASE_METHOD(Fixture,
                 "what was handed over to the kernel counts, and is synced by the next sync") {
  CHECK(append("m", "abcd"));
  CHECK_FALSE(appender.write());
  CHECK(test::syncs().calls == 0);
  CHECK(appender.counted().records == 1);
  CHECK_FALSE(appender.sync());
  CHECK(test::syncs().calls == 1);
}

TEST_CASE_METHOD(Fixture, "a failed sync takes back what did not count, and only that") {
  CHECK(append("m", "abcd"));
  CHECK_FALSE(appender.sync());
  CHECK(append("n", "efgh"));
  test::syncs().error = EIO;
  const auto failure = appender.sync();
  REQUIRE(failure);
  CHECK(std::string(failure->what()).find("sync " + file.path()) != std::string::npos);
  CHECK(file_bytes() == log::kFileHeaderBytes + kBatch + kRecord);
  CHECK(appender.now().records == 1);
  CHECK(text_of(appender.now().last) == "m");
}

TEST_CASE_METHOD(Fixture,
                 "a full disk takes back the collected records with the one that did not fit") {
  CHECK(append("m", "abcd"));
  const std::string large(RecordAppender::kCopiedBytesMax + 1, 'x');
  {
    const test::FullDisk full(8 * KiB);
    CHECK_FALSE(append("n", large));
  }
  CHECK(appender.now().records == 0);
  CHECK(file_bytes() == log::kFileHeaderBytes);
  CHECK(append("n", large));  // and appending goes on where the log ended
  CHECK_FALSE(appender.sync());
  CHECK(file_bytes() == log::kFileHeaderBytes + kBatch + log::kHeadBytes + 1 + large.size());
}

TEST_CASE_METHOD(Fixture, "a large payload is written at once, and so is a full buffer") {
  CHECK(append("m", std::string(RecordAppender::kCopiedBytesMax, 'x')));
  CHECK(file_bytes() == log::kFileHeaderBytes);
  CHECK(append("m", std::string(RecordAppender::kCopiedBytesMax + 1, 'x')));
  const auto before = file_bytes();
  CHECK(before > 2 * RecordAppender::kCopiedBytesMax);
  std::size_t collected = 0;
  while (file_bytes() == before) {
    CHECK(append("m", std::string(1000, 'y')));
    collected += log::kHeadBytes + 1 + 1000;
  }
  CHECK(collected >= RecordAppender::kBufferBytes);
  CHECK(collected < RecordAppender::kBufferBytes + 2000);
}

TEST_CASE_METHOD(
    Fixture, "an appender that begins at a mark goes on there, and owes a sync if the file does") {
  file.put(std::string(100, 'r'), log::kFileHeaderBytes);
  appender.begin_at({}, {.end = log::kFileHeaderBytes + 100, .records = 7}, true);
  CHECK_FALSE(appender.sync());
  CHECK(test::syncs().calls == 1);
  CHECK(append("m", "abcd"));
  CHECK_FALSE(appender.sync());
  CHECK(appender.counted().records == 8);
  CHECK(file_bytes() == log::kFileHeaderBytes + 100 + kBatch + kRecord);
}

TEST_CASE_METHOD(Fixture, "every write and every sync ends a batch, and an empty one is none") {
  const log::HeadFormat format(0);
  const auto head_at = [&](std::size_t at) {
    return format.read_batch(bytes_of(file.content()).subspan(at), at);
  };
  CHECK(append("m", "abcd"));
  CHECK(append("n", "efgh"));
  CHECK_FALSE(appender.write());
  CHECK_FALSE(appender.write());
  CHECK(append("o", "ijkl"));
  CHECK_FALSE(appender.sync());
  const auto first = head_at(log::kFileHeaderBytes);
  REQUIRE(first);
  CHECK(first->records == 2);
  CHECK(first->bytes == kBatch + 2 * kRecord);
  const auto second = head_at(log::kFileHeaderBytes + first->bytes);
  REQUIRE(second);
  CHECK(second->records == 1);
  CHECK(file_bytes() == log::kFileHeaderBytes + first->bytes + second->bytes);
}

TEST_CASE_METHOD(Fixture, "in a plain file there are no batches") {
  appender.begin_at({.version = 1}, {.end = log::kPlainHeaderBytes});
  CHECK(append("m", "abcd"));
  CHECK_FALSE(appender.write());
  CHECK(appender.now().end == log::kPlainHeaderBytes + log::kPlainHeadBytes + 5);
}

TEST_CASE_METHOD(Fixture,
                 "what a failed sync leaves in doubt is what was handed over since the last") {
  CHECK(append("m", "abcd"));
  CHECK_FALSE(appender.sync());
  const auto synced = appender.now().end;
  CHECK(append("n", "efgh"));
  test::syncs().error = EIO;
  CHECK(appender.sync());
  CHECK_FALSE(appender.doubtful_from());  // it is taken back
  CHECK(append("n", "efgh"));
  CHECK_FALSE(appender.write());
  CHECK(appender.sync());
  CHECK(appender.doubtful_from() == synced);
  CHECK_FALSE(appender.write_again());
  CHECK_FALSE(appender.doubtful_from());
}

TEST_CASE("all parts are written, however many and however empty") {
  const test::DiskFile file("....");
  std::vector<std::span<const std::byte>> parts;
  std::string expected = "..";
  for (int i = 0; i < 3000; ++i) {
    parts.push_back(i % 3 == 0 ? std::span<const std::byte>() : bytes_of("ab"));
    if (i % 3 != 0) expected += "ab";
  }
  CHECK(log::write_all(file.fd(), parts, 2) == 0);
  CHECK(file.content() == expected);
  CHECK(log::write_all(-1, parts, 2) == EBADF);
}
