// SPDX-License-Identifier: Apache-2.0
#include "log/meta_block.h"

#include "base/byte_codec.h"
#include "base/invariant.h"

namespace standpipe::log {
namespace {

constexpr std::uint16_t kBlockVersion = 1;
constexpr std::size_t kBlockHeadBytes = 12;  // bytes, version, flags, count
constexpr std::size_t kBlockEndBytes = 4;

void append_to(std::vector<std::byte>& to, std::span<const std::byte> bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

}  // namespace

std::optional<Field> FieldReader::next() {
  if (!ok_ || rest_.empty()) return std::nullopt;
  ByteReader in(rest_);
  const std::size_t name_bytes = in.number<std::uint16_t>();
  const auto zero = in.number<std::uint16_t>();
  const std::size_t value_bytes = in.number<std::uint32_t>();
  ok_ = in.ok() && zero == 0 && name_bytes > 0 && name_bytes <= kMetaNameBytesMax &&
        value_bytes <= kMetaBytesMax && name_bytes + value_bytes <= rest_.size() - kFieldHeadBytes;
  if (!ok_) return std::nullopt;
  const auto name = rest_.subspan(kFieldHeadBytes, name_bytes);
  const Field field{{reinterpret_cast<const char*>(name.data()), name.size()},
                    rest_.subspan(kFieldHeadBytes + name_bytes, value_bytes)};
  rest_ = rest_.subspan(kFieldHeadBytes + name_bytes + value_bytes);
  return field;
}

bool are_fields(std::span<const std::byte> bytes) {
  FieldReader in(bytes);
  std::size_t pairs = 0, sum = 0;
  while (const auto field = in.next()) {
    ++pairs;
    sum += field->name.size() + field->value.size();
  }
  return in.ok() && pairs <= kMetaPairsMax && sum <= kMetaBytesMax;
}

// ---- read

std::optional<MetaBlock> MetaBlock::read(std::span<const std::byte> bytes) {
  ByteReader in(bytes);
  const auto whole = in.number<std::uint32_t>();
  const auto version = in.number<std::uint16_t>();
  const auto flags = in.number<std::uint16_t>();
  const auto count = in.number<std::uint32_t>();
  if (!in.ok() || whole != bytes.size() || version != kBlockVersion || flags != 0)
    return std::nullopt;
  if (count == 0 || count > kBlockMessagesMax) return std::nullopt;
  if (bytes.size() - kBlockHeadBytes < count * kBlockEndBytes) return std::nullopt;
  const auto ends = bytes.subspan(kBlockHeadBytes, count * kBlockEndBytes);
  const MetaBlock block(ends, bytes.subspan(kBlockHeadBytes + ends.size()), count);
  std::uint32_t before = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto end = block.end_of(i);
    if (end < before || end - before > kFieldsBytesMax) return std::nullopt;
    before = end;
  }
  if (before != block.fields_.size()) return std::nullopt;
  return block;
}

std::uint32_t MetaBlock::end_of(std::uint32_t i) const {
  return ByteReader(ends_.subspan(i * kBlockEndBytes, kBlockEndBytes)).number<std::uint32_t>();
}

std::span<const std::byte> MetaBlock::fields(std::uint32_t i) const {
  INVARIANT(i < count_, i, count_);
  const auto begin = i == 0 ? 0 : end_of(i - 1);
  return fields_.subspan(begin, end_of(i) - begin);
}

// ---- write

bool MetaBlockWriter::add(std::string_view name, std::span<const std::byte> value) {
  const auto bytes = bytes_ + name.size() + value.size();
  if (name.empty() || name.size() > kMetaNameBytesMax) return false;
  if (bytes > kMetaBytesMax || pairs_ == kMetaPairsMax) return false;
  ByteWriter head;
  head.number(static_cast<std::uint16_t>(name.size())).number(std::uint16_t{0});
  head.number(static_cast<std::uint32_t>(value.size()));
  append_to(fields_, head.bytes());
  append_to(fields_, std::as_bytes(std::span(name)));
  append_to(fields_, value);
  bytes_ = bytes;
  ++pairs_;
  return true;
}

void MetaBlockWriter::add_fields(std::span<const std::byte> fields) {
  INVARIANT(bytes_ == 0 && are_fields(fields), bytes_, fields.size());
  append_to(fields_, fields);
}

void MetaBlockWriter::end_message() {
  INVARIANT(ends_.size() < kBlockMessagesMax, ends_.size());
  ends_.push_back(static_cast<std::uint32_t>(fields_.size()));
  bytes_ = pairs_ = 0;
}

std::span<const std::byte> MetaBlockWriter::finish() {
  INVARIANT(!ends_.empty(), fields_.size());
  const auto whole = kBlockHeadBytes + ends_.size() * kBlockEndBytes + fields_.size();
  ByteWriter head;
  head.number(static_cast<std::uint32_t>(whole)).number(kBlockVersion).number(std::uint16_t{0});
  head.number(count());
  for (const auto end : ends_) head.number(end);
  block_.assign(head.bytes().begin(), head.bytes().end());
  append_to(block_, fields_);
  return block_;
}

void MetaBlockWriter::clear() {
  fields_.clear();
  ends_.clear();
  bytes_ = pairs_ = 0;
}

}  // namespace standpipe::log
