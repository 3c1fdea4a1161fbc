// SPDX-License-Identifier: Apache-2.0
#include "log/survey.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "log/disk_file.h"
#include "log/record_appender.h"

using namespace standpipe;
using log::Survey, test::bytes_of;

namespace {

constexpr std::size_t kRecord = log::kHeadBytes + 1 + 3;  // meta of 1 byte, payload of 3

// Batches of so many records each.
class Fixture {
 public:
  void write(const std::vector<int>& batches) {
    log::RecordAppender appender(file.path(), file.fd());
    for (const int records : batches) {
      starts.push_back(appender.now().end);
      for (int i = 0; i < records; ++i) {
        const auto part = bytes_of("pay");
        REQUIRE_FALSE(appender.append(bytes_of("m"), {&part, 1}, {}));
      }
      REQUIRE_FALSE(appender.write());
    }
    end = appender.now().end;
  }
  // Where record `i` of that batch stands.
  std::uint64_t record(std::size_t batch, std::size_t i) const {
    return starts[batch] + log::kBatchHeadBytes + i * kRecord;
  }
  void damage(std::uint64_t at, std::size_t bytes = 1) const {
    file.put(std::string(bytes, '\xee'), static_cast<off_t>(at));
  }
  Survey survey() const {
    log::LogWalker walker(file.path(), file.fd(), true);
    return {walker, log::FileHeader{}, end};
  }
  std::string found() const { return survey().recovery().text(); }

  test::DiskFile file{std::string(log::kFileHeaderBytes, 'h')};
  std::vector<std::uint64_t> starts;
  std::uint64_t end = 0;
};

}  // namespace

TEST_CASE_METHOD(Fixture, "a sound log is counted, and ends where its file does") {
  write({3, 1, 2});
  CHECK(found() == "");
  CHECK(survey().recovery().kept == 6);
  CHECK(survey().end() == end);
  CHECK_FALSE(survey().shortened());
}

TEST_CASE_METHOD(Fixture, "the head of a batch says how many records a damaged range had") {
  write({6, 1});
  damage(record(0, 1), 3 * kRecord);
  CHECK(found() == "passed over 3 damaged records (60 bytes from byte 76 on) (4 whole records)");
  CHECK(survey().recovery().ranges[0].text() == "3 records (60 bytes from byte 76 on)");
}

TEST_CASE_METHOD(Fixture,
                 "so it does for a range that reaches to its end, and over the next head") {
  write({3, 2, 1});
  damage(record(0, 1), 2 * kRecord);
  CHECK(survey().recovery().damaged == 2);
  damage(starts[1], log::kBatchHeadBytes);
  CHECK(survey().recovery().damaged == 2);
  CHECK(survey().recovery().kept == 4);
}

TEST_CASE_METHOD(Fixture, "a damaged head costs no record, and is said to be one") {
  write({2, 2});
  damage(starts[1] + 5);
  CHECK(found() ==
        "passed over 1 damaged head of a batch (24 bytes from byte 96 on) (4 whole records)");
  CHECK(survey().recovery().ranges[0].text() == "the head of a batch (24 bytes from byte 96 on)");
  CHECK(survey().recovery().is_damaged());
}

TEST_CASE_METHOD(Fixture, "damage after the last whole record is an end that is left out") {
  write({1, 2});
  damage(record(1, 1) + 17);
  CHECK(found() == "left out 20 bytes at the end: a record's checksum is wrong (2 whole records)");
  CHECK(survey().recovery().is_damaged());
  const auto shortened = survey().shortened();
  REQUIRE(shortened);
  CHECK(shortened->offset == starts[1]);
  CHECK(shortened->head.records == 1);
  CHECK(shortened->head.bytes == log::kBatchHeadBytes + kRecord);
}

TEST_CASE_METHOD(Fixture, "an end that a death truncated is no damage, at any byte") {
  write({1, 2});
  const auto whole = end;
  for (end = starts[1] + 1; end < whole; ++end) {
    CHECK_FALSE(survey().recovery().is_damaged());
    CHECK((survey().recovery().dropped_bytes > 0) == (end != record(1, 1)));
  }
  end = whole;
  damage(starts[1] + 3);
  damage(record(1, 0), 2 * kRecord);
  CHECK(survey().recovery().is_damaged());
}

TEST_CASE_METHOD(Fixture, "of many damaged ranges some are shown, and all are counted") {
  write(std::vector<int>(20, 2));
  for (std::size_t i = 0; i < 15; ++i) damage(record(i, 0) + 16);
  CHECK(survey().recovery().ranges.size() == 15);
  CHECK(found() ==
        "passed over 15 damaged records (20 bytes from byte 56 on, 20 bytes from byte 120 on, 20 "
        "bytes from byte 184 on, 20 bytes from byte 248 on, 20 bytes from byte 312 on, 10 more) "
        "(25 whole records)");
}
