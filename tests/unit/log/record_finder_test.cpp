// SPDX-License-Identifier: Apache-2.0
#include "log/record_finder.h"

#include <catch2/catch.hpp>
#include <string>

#include "base/byte_codec.h"
#include "log/disk_file.h"
#include "log/record_appender.h"

using namespace standpipe;
using log::RecordFinder, test::bytes_of, test::text_of;

namespace {

// Records "first", "second" and "third" one after the other, with a meta of one byte.
class Fixture {
 public:
  Fixture() {
    log::RecordAppender appender(file.path(), file.fd());
    appender.begin_at({.version = 1}, {.end = log::kPlainHeaderBytes});
    for (const std::string_view payload : {"first", "second", "third"}) {
      offsets.push_back(appender.now().end);
      const auto part = bytes_of(payload);
      REQUIRE_FALSE(appender.append(bytes_of("m"), {&part, 1}, {}));
    }
    REQUIRE_FALSE(appender.write());
    end = appender.now().end;
  }
  // What is found from `offset` on: payloads, with "(n)" for those that were passed over before.
  std::string found(bool searches, std::uint64_t offset = log::kPlainHeaderBytes) const {
    log::FileWindow window(file.path(), file.fd());
    RecordFinder finder(window, 1, searches);
    std::string all;
    while (const auto record = finder.next_whole(offset, end)) {
      if (record->passed > 0) all += '(' + std::to_string(record->passed) + ')';
      const auto head = log::kPlainHeadBytes + record->head.meta_bytes;
      all += text_of(window.view(record->offset + head, record->head.bytes - head, end)) + ' ';
      offset = record->offset + record->head.bytes;
    }
    return all;
  }
  // One byte of record `i` changes.
  void damage(std::size_t i, std::size_t at) const {
    file.put("\xff", static_cast<off_t>(offsets[i] + at));
  }

  test::DiskFile file{std::string(log::kPlainHeaderBytes, 'h')};
  std::vector<std::uint64_t> offsets;
  std::uint64_t end = 0;
};

}  // namespace

TEST_CASE_METHOD(Fixture, "whole records are found one after the other, from any of them on") {
  CHECK(found(false) == "first second third ");
  CHECK(found(true) == "first second third ");
  CHECK(found(false, offsets[1]) == "second third ");
}

TEST_CASE_METHOD(Fixture, "a damaged payload costs that record, because its length leads on") {
  damage(1, log::kPlainHeadBytes + 2);
  CHECK(found(false) == "first (1)third ");
  CHECK(found(true) == "first (1)third ");
}

TEST_CASE_METHOD(Fixture, "after a damaged length a reader searches, and an appender does not") {
  damage(1, 0);
  CHECK(found(true) == "first (1)third ");
  CHECK(found(false) == "first ");
}

TEST_CASE_METHOD(Fixture, "a record that leads beyond the end is none") {
  log::FileWindow window(file.path(), file.fd());
  RecordFinder finder(window, 1, false);
  CHECK(finder.head_at(offsets[2], end));
  CHECK_FALSE(finder.head_at(offsets[2], end - 1));
  CHECK_FALSE(finder.head_at(end - log::kPlainHeadBytes + 1, end));
  CHECK_FALSE(finder.head_at(end + 1, end));
}

TEST_CASE_METHOD(Fixture, "a meta longer than its record is none, whatever the checksum says") {
  const std::uint32_t crc_of_that = 0;
  ByteWriter head;
  head.number(std::uint32_t{log::kPlainHeadBytes}).number(crc_of_that).number(std::uint32_t{1});
  file.put(text_of(head.bytes()), static_cast<off_t>(offsets[2]));
  CHECK(found(false) == "first second ");
}

TEST_CASE_METHOD(Fixture, "the bit for fields means them from the second version on only") {
  damage(0, 11);  // the highest byte of the length of meta
  log::FileWindow window(file.path(), file.fd());
  CHECK_FALSE(RecordFinder(window, 1, false).head_at(offsets[0], end)->has_fields);
  CHECK(RecordFinder(window, 2, false).head_at(offsets[0], end)->has_fields);
}
