// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes what is read of metadata: a block, and the fields of a message. Whatever the bytes are,
// nothing outside of them is read, and fields that make sense come back the same from a block that
// is made of them.
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "log/meta_block.h"

using namespace standpipe::log;

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

bool same(std::span<const std::byte> a, std::span<const std::byte> b) {
  return std::vector(a.begin(), a.end()) == std::vector(b.begin(), b.end());
}

void read_fields(std::span<const std::byte> bytes) {
  std::size_t sum = 0;
  FieldReader in(bytes);
  while (const auto field = in.next()) {
    check(!field->name.empty() && field->name.size() <= kMetaNameBytesMax);
    for (const auto b : field->value) sum += static_cast<std::size_t>(b);
  }
  check(sum < ~std::size_t{0});
  if (!are_fields(bytes)) return;
  check(in.ok());
  MetaBlockWriter block;
  block.add_fields(bytes);
  block.end_message();
  const auto again = MetaBlock::read(block.finish());
  check(again && again->count() == 1 && same(again->fields(0), bytes));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
  read_fields(bytes);
  if (const auto block = MetaBlock::read(bytes)) {
    check(block->count() > 0 && block->count() <= kBlockMessagesMax);
    std::size_t sum = 0;
    for (std::uint32_t i = 0; i < block->count(); ++i) {
      sum += block->fields(i).size();
      read_fields(block->fields(i));
    }
    check(sum <= size);
  }
  return 0;
}
