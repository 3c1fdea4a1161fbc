// SPDX-License-Identifier: Apache-2.0
#include "deliver/spill_format.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "temporary_folder.h"

using namespace standpipe;
using deliver::SpillLists, deliver::SpillRecord;

namespace {

// A file of records, and the lists of its writer. Verbs: number (of a list), records.
class Fixture {
 public:
  std::uint32_t number(std::vector<std::string_view> handlers) {
    std::uint32_t found = 999;
    REQUIRE_FALSE(lists.find(log, handlers, found));
    return found;
  }
  // Kinds and numbers of what was written: "1:0 2:0".
  std::string records() {
    REQUIRE_FALSE(log.sync());
    std::string all;
    log::DiskLog::ReadPosition at;
    while (const auto record = log.read_next(at)) {
      ByteReader in(record->meta);
      const auto kind = in.number<std::uint8_t>();
      all += (all.empty() ? "" : " ") + std::to_string(kind) + ':' +
             std::to_string(in.number<std::uint32_t>());
    }
    return all;
  }

  test::TemporaryFolder folder;
  log::DiskLog log = log::DiskLog::open(folder / "it", log::DiskLog::Access::append);
  SpillLists lists;
};

}  // namespace

TEST_CASE_METHOD(Fixture, "each list is written before its first message, and has one number") {
  CHECK(number({"a"}) == 0);
  CHECK(number({"a", "b"}) == 1);
  CHECK(number({"a"}) == 0);
  CHECK(number({}) == 2);
  CHECK(records() == "1:0 1:1 1:2");
}

TEST_CASE_METHOD(Fixture, "a list is written again after many messages that name it") {
  for (std::uint32_t i = 0; i <= 2 * SpillLists::kMessagesAList; ++i) CHECK(number({"a"}) == 0);
  CHECK(number({"b"}) == 1);
  CHECK(records() == "1:0 1:0 1:0 1:1");
}

TEST_CASE_METHOD(Fixture, "names are told apart however they are put together") {
  CHECK(number({"ab", "c"}) == 0);
  CHECK(number({"a", "bc"}) == 1);
  CHECK(number({"abc"}) == 2);
}

TEST_CASE_METHOD(Fixture,
                 "a message comes after the list that it names, and the end says how many") {
  const std::string_view handlers[] = {"a"};
  const auto frame = std::as_bytes(std::span("frame", 5));
  for (int i = 0; i < 2; ++i)
    REQUIRE_FALSE(deliver::append_message(log, lists, 5, 6, handlers, {&frame, 1}, {}));
  REQUIRE_FALSE(deliver::append_end(log, lists, 2));
  CHECK(records() == "1:0 2:0 2:0 1:0 3:2");
}
