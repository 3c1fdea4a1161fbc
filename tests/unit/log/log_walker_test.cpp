// SPDX-License-Identifier: Apache-2.0
#include "log/log_walker.h"

#include <catch2/catch.hpp>
#include <string>

#include "log/disk_file.h"
#include "log/record_appender.h"

using namespace standpipe;
using log::LogWalker, test::bytes_of;

namespace {

// What a walk from `offset` on meets: "batch record damage(20) ".
std::string walk(const test::DiskFile& file, const log::FileHeader& header, std::uint64_t offset,
                 std::uint64_t end) {
  LogWalker walker(file.path(), file.fd(), true);
  walker.begin(header);
  std::string met;
  while (const auto item = walker.next(offset, end)) {
    using Kind = LogWalker::Item::Kind;
    met += item->kind == Kind::batch    ? "batch "
           : item->kind == Kind::record ? "record "
                                        : "damage(" + std::to_string(item->bytes) + ") ";
    offset = item->end();
  }
  return met;
}

// Two batches, of two records and of one, or three records without batches.
class Fixture {
 public:
  void write(const log::FileHeader& header) {
    log::RecordAppender appender(file.path(), file.fd());
    appender.begin_at(header, {.end = header.bytes()});
    for (int i = 0; i < 3; ++i) {
      starts[i] = appender.now().end;
      const auto part = bytes_of("payload");
      REQUIRE_FALSE(appender.append(bytes_of("m"), {&part, 1}, {}));
      if (i > 0) REQUIRE_FALSE(appender.write());
    }
    end = appender.now().end;
  }

  test::DiskFile file{std::string(log::kFileHeaderBytes, 'h')};
  std::uint64_t starts[3] = {}, end = 0;
};

}  // namespace

TEST_CASE_METHOD(Fixture, "batches and records come one after the other, from any of them on") {
  const log::FileHeader header{.salt = 5};
  write(header);
  CHECK(walk(file, header, 32, end) == "batch record record batch record ");
  CHECK(walk(file, header, starts[1], end) == "record batch record ");
  CHECK(walk(file, header, starts[2], end) == "batch record ");
  CHECK(walk(file, header, end, end) == "");
  CHECK(walk(file, {.salt = 6}, 32, end) == "");
}

TEST_CASE_METHOD(Fixture, "after damage it continues at the next thing that is sound") {
  const log::FileHeader header{.salt = 5};
  write(header);
  file.put("x", 32);
  CHECK(walk(file, header, 32, end) == "damage(24) record record batch record ");
  file.put("x", static_cast<off_t>(starts[1]));
  CHECK(walk(file, header, 32, end) == "damage(24) record damage(24) batch record ");
  file.put("x", static_cast<off_t>(end - 1));
  CHECK(walk(file, header, starts[2], end) == "batch damage(24) ");
}

TEST_CASE_METHOD(Fixture, "a plain file is walked by its lengths") {
  const log::FileHeader header{.version = 1};
  write(header);
  CHECK(walk(file, header, 16, end) == "record record record ");
  file.put("x", static_cast<off_t>(starts[1] + 15));
  CHECK(walk(file, header, 16, end) == "record damage(20) record ");
}
