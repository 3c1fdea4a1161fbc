// SPDX-License-Identifier: Apache-2.0
#include "log/file_header.h"

#include <catch2/catch.hpp>
#include <string>

#include "base/failure.h"
#include "log/disk_file.h"
#include "log/record_head.h"

using namespace standpipe;
using log::FileHeader, test::text_of;

namespace {

FileHeader read(const std::string& content) {
  const test::DiskFile file(content);
  log::FileWindow window(file.path(), file.fd());
  return FileHeader::read(window, "it", content.size());
}

bool is_unfinished(const std::string& content) {
  const test::DiskFile file(content);
  log::FileWindow window(file.path(), file.fd());
  return FileHeader::is_unfinished(window, content.size());
}

std::string encoded(const FileHeader& header) { return text_of(header.encoded()); }

const FileHeader kHeader{.salt = 77, .done = 5};

std::string batch_at(std::uint64_t offset) {
  return text_of(log::HeadFormat(77).batch({.bytes = 24}, offset));
}

}  // namespace

TEST_CASE("a header is read as it was written, of any version") {
  const auto header = read(encoded(kHeader));
  CHECK(header.version == 3);
  CHECK(header.salt == 77);
  CHECK(header.done == 5);
  CHECK(header.damage == "");
  const auto plain = read(encoded({.version = 2, .done = 9}));
  CHECK(plain.version == 2);
  CHECK(plain.done == 9);
  CHECK(plain.bytes() == 16);
  CHECK(FileHeader::fresh().salt != FileHeader::fresh().salt);
}

TEST_CASE("what is no whole header was begun, unless it is somebody else's") {
  for (std::size_t bytes = 0; bytes < 32; ++bytes) {
    CHECK(is_unfinished(encoded(kHeader).substr(0, bytes)));
    CHECK(is_unfinished(std::string(bytes, '\0')));
    if (bytes < 16) CHECK(is_unfinished(encoded({.version = 1}).substr(0, bytes)));
    if (bytes > 0) CHECK_FALSE(is_unfinished("x" + encoded(kHeader).substr(1, bytes - 1)));
  }
  CHECK_FALSE(is_unfinished(encoded(kHeader)));
  CHECK_FALSE(is_unfinished(encoded({.version = 1})));
  CHECK_FALSE(is_unfinished(std::string(33, '\0')));
}

TEST_CASE("the salt of a damaged header is that of the first batch, wherever it is") {
  auto content = encoded(kHeader) + batch_at(32);
  content[17] = 'x';
  CHECK(read(content).salt == 77);
  CHECK(read(content).damage == "its header is damaged");
  content = std::string(300'000, 'x') + batch_at(300'000);
  CHECK(read(content).salt == 77);
  CHECK_THROWS_AS(read(std::string(300'000, 'x') + batch_at(300'001)), Failure);
}

TEST_CASE("a plain file with a batch of another file in a message stays plain") {
  const auto plain = encoded({.version = 1}) + std::string(100, 'x') + batch_at(116);
  CHECK(read(plain).version == 1);
}

TEST_CASE("a header that says nothing, with nothing behind it, is a damaged one of no salt known") {
  auto content = encoded(kHeader);
  content[17] = 'x';
  CHECK(read(content).damage == "its header is damaged");
  CHECK(read(content).salt != 77);
}
