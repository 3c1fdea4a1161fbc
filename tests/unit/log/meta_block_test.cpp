// SPDX-License-Identifier: Apache-2.0
#include "log/meta_block.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "metadata.h"

using namespace standpipe::log;

namespace {

using Bytes = std::vector<std::byte>;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}
Bytes bytes(std::initializer_list<int> values) {
  Bytes out;
  for (const auto v : values) out.push_back(static_cast<std::byte>(v));
  return out;
}

using test::fields_text;

// Bytes in memory of exactly their size, so that a sanitizer sees one too many being read.
struct Exact {
  explicit Exact(std::span<const std::byte> from)
      : bytes(std::make_unique<std::byte[]>(from.size())), size(from.size()) {
    if (size > 0) std::memcpy(bytes.get(), from.data(), size);
  }
  std::span<const std::byte> span() const { return {bytes.get(), size}; }
  std::unique_ptr<std::byte[]> bytes;
  std::size_t size;
};

// Reads all there is to read; returns whether it is a block.
bool read_all(std::span<const std::byte> from) {
  const Exact exact(from);
  const auto block = MetaBlock::read(exact.span());
  if (!block) return false;
  for (std::uint32_t i = 0; i < block->count(); ++i) {
    (void)fields_text(block->fields(i));
    (void)are_fields(block->fields(i));
  }
  return true;
}

Bytes sample() {
  MetaBlockWriter block;
  REQUIRE(block.add("key", bytes_of("k1")));
  REQUIRE(block.add("n", {}));
  block.end_message();
  block.end_message();
  REQUIRE(block.add("key", bytes_of("k3")));
  block.end_message();
  const auto whole = block.finish();
  return {whole.begin(), whole.end()};
}

}  // namespace

TEST_CASE("each message of a block has its own fields, in order, or none") {
  const auto bytes = sample();
  const auto block = MetaBlock::read(bytes);
  REQUIRE(block);
  REQUIRE(block->count() == 3);
  CHECK(fields_text(block->fields(0)) == "key=k1 n=");
  CHECK(fields_text(block->fields(1)).empty());
  CHECK(fields_text(block->fields(2)) == "key=k3");
}

TEST_CASE("the bytes of a block are those of FORMAT.md") {
  MetaBlockWriter block;
  REQUIRE(block.add("k", bytes_of("vv")));
  block.end_message();
  const auto whole = block.finish();
  CHECK(Bytes(whole.begin(), whole.end()) ==
        bytes({27, 0,  0, 0, 1, 0, 0, 0, 1,   0,   0,
               0,  11, 0, 0, 0,  // bytes, version, flags, count, end
               1,  0,  0, 0, 2, 0, 0, 0, 'k', 'v', 'v'}));
}

TEST_CASE("what exceeds the bounds of a message is left out, and reported") {
  MetaBlockWriter block;
  CHECK_FALSE(block.add("", bytes_of("v")));
  CHECK_FALSE(block.add(std::string(kMetaNameBytesMax + 1, 'n'), {}));
  const std::string large(kMetaBytesMax - 1, 'v');
  CHECK(block.add("n", bytes_of(large)));
  CHECK_FALSE(block.add("n", {}));
  block.end_message();
  for (std::size_t i = 0; i < kMetaPairsMax; ++i) REQUIRE(block.add("n", {}));
  CHECK_FALSE(block.add("n", {}));
  block.end_message();
  const auto read = MetaBlock::read(block.finish());
  REQUIRE(read);
  CHECK(are_fields(read->fields(0)));
  CHECK(are_fields(read->fields(1)));
}

TEST_CASE("fields that were read are put into another block as they are") {
  const auto bytes = sample();
  MetaBlockWriter block;
  block.add_fields(MetaBlock::read(bytes)->fields(0));
  block.end_message();
  const auto copy = MetaBlock::read(block.finish());
  REQUIRE(copy);
  CHECK(fields_text(copy->fields(0)) == "key=k1 n=");
}

TEST_CASE("a writer that was cleared begins anew") {
  MetaBlockWriter block;
  REQUIRE(block.add("key", bytes_of("lost")));
  CHECK_FALSE(block.empty());
  block.clear();
  CHECK(block.empty());
  CHECK(block.count() == 0);
  block.end_message();
  CHECK(MetaBlock::read(block.finish())->fields(0).empty());
}

TEST_CASE("bytes that end anywhere are no block") {
  const auto whole = sample();
  for (std::size_t n = 0; n < whole.size(); ++n) CHECK_FALSE(read_all(std::span(whole).first(n)));
  CHECK(read_all(whole));
  auto more = whole;
  more.push_back({});
  CHECK_FALSE(read_all(more));
}

TEST_CASE("a block with any byte changed is read without harm, or is none") {
  const auto whole = sample();
  for (std::size_t at = 0; at < whole.size(); ++at)
    for (int to = 0; to < 256; ++to) {
      auto changed = whole;
      changed[at] = static_cast<std::byte>(to);
      (void)read_all(changed);
    }
  auto later = whole;
  later[4] = std::byte{2};
  CHECK_FALSE(read_all(later));  // another version
  later = whole;
  later[6] = std::byte{1};
  CHECK_FALSE(read_all(later));  // flags that nobody knows
  later = whole;
  later[11] = std::byte{0x40};
  CHECK_FALSE(read_all(later));  // more messages than there are bytes
}

TEST_CASE("ends that go back, or beyond the bytes, are no block") {
  auto changed = sample();
  changed[12] = std::byte{200};  // the first message's fields end after the second's
  CHECK_FALSE(read_all(changed));
  changed = sample();
  changed[20] = std::byte{200};  // the last one's end is not the end of the block
  CHECK_FALSE(read_all(changed));
}

TEST_CASE("fields that make no sense end the message's fields, which is distinguished from none") {
  CHECK(fields_text({}).empty());
  CHECK(fields_text(bytes({1})) == "?");
  CHECK(fields_text(bytes({1, 0, 0, 0, 0, 0, 0, 0})) == "?");       // no name
  CHECK(fields_text(bytes({0, 0, 0, 0, 0, 0, 0, 0})) == "?");       // an empty name
  CHECK(fields_text(bytes({1, 0, 1, 0, 0, 0, 0, 0, 'k'})) == "?");  // not zero
  CHECK(fields_text(bytes({1, 0, 0, 0, 255, 255, 255, 255, 'k'})) ==
        "?");                                                            // a value without an end
  CHECK(fields_text(bytes({1, 0, 0, 0, 0, 0, 0, 0, 'k', 7})) == "k=?");  // something after it
  CHECK(fields_text(bytes({1, 0, 0, 0, 1, 0, 0, 0, 'k', 'v'})) == "k=v");
  CHECK_FALSE(are_fields(bytes({1})));
  CHECK(are_fields({}));
}
