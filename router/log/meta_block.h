// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace standpipe::log {

// Bounds of one message's metadata, as standpipe/plugin.h promises them.
constexpr std::size_t kMetaPairsMax = 256;
constexpr std::size_t kMetaNameBytesMax = 255;
constexpr std::size_t kMetaBytesMax = 65'536;  // all names and values together
constexpr std::size_t kFieldHeadBytes = 8;
// The fields of one message as bytes.
constexpr std::size_t kFieldsBytesMax = kMetaBytesMax + kMetaPairsMax * kFieldHeadBytes;
constexpr std::uint32_t kBlockMessagesMax = 1024;  // described by one block: a batch

// One piece of metadata. Views into the bytes that it was read from.
struct Field {
  std::string_view name;
  std::span<const std::byte> value;
};

// The fields of one message, one after the other, read from bytes that may be anything. They lie so
// in a metadata block and in a record on disk (FORMAT.md).
class FieldReader {
 public:
  explicit FieldReader(std::span<const std::byte> bytes) : rest_(bytes) {}
  // nullopt: there is none left, or what is left is no field; `ok` tells which.
  std::optional<Field> next();
  bool ok() const { return ok_; }

 private:
  std::span<const std::byte> rest_;
  bool ok_ = true;
};

// Whether these bytes are the fields of one message, within the bounds.
bool are_fields(std::span<const std::byte> bytes);

// The metadata of the frames that follow it in a log. Frames stay as they are on the wire: what is
// known about them lies before them, so that outputs can send whole runs, and sources without
// metadata pay nothing. (An envelope in each frame would be sent along; fixed fields in the index
// would cost all sources.) Read from bytes that may be anything.
class MetaBlock {
 public:
  // nullopt: the bytes are no block of a version that is known.
  static std::optional<MetaBlock> read(std::span<const std::byte> bytes);
  std::uint32_t count() const { return count_; }  // frames that it describes
  // The fields of its frame `i`, from 0; empty if it has none.
  std::span<const std::byte> fields(std::uint32_t i) const;

 private:
  MetaBlock(std::span<const std::byte> ends, std::span<const std::byte> fields, std::uint32_t count)
      : ends_(ends), fields_(fields), count_(count) {}
  std::uint32_t end_of(std::uint32_t i) const;

  std::span<const std::byte> ends_, fields_;
  std::uint32_t count_;
};

// Makes a block, message by message: add ..., end_message, add ..., end_message, finish.
class MetaBlockWriter {
 public:
  // false: it does not fit into the bounds of a message, and is left out.
  [[nodiscard]] bool add(std::string_view name, std::span<const std::byte> value);
  // Fields as they were read from elsewhere; are_fields must hold.
  void add_fields(std::span<const std::byte> fields);
  void end_message();
  std::uint32_t count() const { return static_cast<std::uint32_t>(ends_.size()); }
  bool empty() const { return fields_.empty(); }  // no message has metadata: no block is needed
  std::span<const std::byte> finish();            // valid until the next call; at least one message
  void clear();

 private:
  std::vector<std::byte> fields_, block_;
  std::vector<std::uint32_t> ends_;
  std::size_t pairs_ = 0, bytes_ = 0;  // of the message that is being made
};

}  // namespace standpipe::log
