// SPDX-License-Identifier: Apache-2.0
#include "log/record_head.h"

#include <catch2/catch.hpp>
#include <string>

#include "base/crc32c.h"
#include "log/disk_file.h"

using namespace standpipe;
using log::HeadFormat, test::bytes_of;

namespace {

const HeadFormat kFormat(0x0123456789abcdef);
const log::RecordHead kRecord{.bytes = 1234, .crc = 99, .meta_bytes = 17, .has_fields = true};

}  // namespace

TEST_CASE("a record's head is read back at its place, and at no other, and in no other file") {
  const auto bytes = kFormat.record(kRecord, 5000);
  const auto head = kFormat.read_record(bytes, 5000);
  REQUIRE(head);
  CHECK(head->bytes == 1234);
  CHECK(head->crc == 99);
  CHECK(head->meta_bytes == 17);
  CHECK(head->has_fields);
  CHECK_FALSE(kFormat.read_record(bytes, 5001));
  CHECK_FALSE(HeadFormat(7).read_record(bytes, 5000));
  CHECK_FALSE(kFormat.read_record(std::span(bytes).first(15), 5000));
}

TEST_CASE("a batch's head is read back at its place, and tells the salt of its file") {
  const auto bytes = kFormat.batch({.bytes = 77, .records = 3}, 32);
  const auto head = kFormat.read_batch(bytes, 32);
  REQUIRE(head);
  CHECK(head->bytes == 77);
  CHECK(head->records == 3);
  CHECK(HeadFormat::salt_of(bytes, 32) == kFormat.salt());
  CHECK_FALSE(kFormat.read_batch(bytes, 33));
  CHECK_FALSE(HeadFormat::salt_of(bytes, 33));
  CHECK_FALSE(HeadFormat(7).read_batch(bytes, 32));
}

TEST_CASE("any bit flipped in a head, and it is none") {
  for (std::size_t bit = 0; bit < log::kHeadBytes * 8; ++bit) {
    auto bytes = kFormat.record(kRecord, 5000);
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    CHECK_FALSE(kFormat.read_record(bytes, 5000));
  }
  for (std::size_t bit = 0; bit < log::kBatchHeadBytes * 8; ++bit) {
    auto bytes = kFormat.batch({.bytes = 77, .records = 3}, 32);
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    CHECK_FALSE(kFormat.read_batch(bytes, 32));
    CHECK_FALSE(HeadFormat::salt_of(bytes, 32));
  }
}

TEST_CASE("a head with a sound checksum and a length that cannot be is none") {
  for (const std::uint32_t bytes : {0u, 15u, 0xffffffffu})
    CHECK_FALSE(kFormat.read_record(kFormat.record({.bytes = bytes}, 0), 0));
}

TEST_CASE("a record is whole when its checksum is right and its parts lie within it") {
  const std::string body = "metapayload";
  const auto is_whole = [&](log::RecordHead head, std::uint32_t crc) {
    const test::DiskFile file(std::string(head.head_bytes, 'h') + body);
    log::FileWindow window(file.path(), file.fd());
    head.bytes = head.head_bytes + static_cast<std::uint32_t>(body.size());
    head.crc = crc;
    return log::is_whole(window, 0, head, head.bytes);
  };
  const auto crc = crc32c(bytes_of(body));
  CHECK(is_whole({.meta_bytes = 4}, crc));
  CHECK_FALSE(is_whole({.meta_bytes = 4}, crc + 1));
  CHECK(is_whole({.meta_bytes = 11}, crc));
  CHECK_FALSE(is_whole({.meta_bytes = 12}, crc));
  CHECK_FALSE(is_whole({.meta_bytes = 8, .has_fields = true}, crc));  // no room for their length
  CHECK_FALSE(is_whole({.meta_bytes = 4, .has_fields = true}, crc));  // which is "payl"
}
