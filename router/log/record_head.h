// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "log/file_window.h"
#include "log/record_format.h"

// What stands before the bytes of a record, and before the records of a batch.
namespace standpipe::log {

struct RecordHead {
  std::uint32_t bytes = 0;  // of the whole record
  std::uint32_t crc = 0;    // of what lies in it from `crc_from` on
  std::uint32_t meta_bytes = 0;
  bool has_fields = false;
  std::uint32_t head_bytes = kHeadBytes;
  std::uint32_t crc_from = kHeadBytes;
};

struct BatchHead {
  std::uint32_t bytes = 0;  // of the whole batch
  std::uint32_t records = 0;
};

// Whether meta and fields lie within the record, and its checksum is right. Reads in pieces, so
// that it needs no more memory than a window. Throws Failure when the disk cannot be read.
bool is_whole(FileWindow& window, std::uint64_t offset, const RecordHead& head, std::uint64_t end);

// Numbers, little endian, without an allocation.
std::array<std::byte, 4> number_bytes(std::uint32_t n);
std::uint32_t number_at(std::span<const std::byte> bytes, std::size_t at);
std::uint64_t long_number_at(std::span<const std::byte> bytes, std::size_t at);

// Heads of version 3. Each has a checksum that also covers the file's salt and the place in the
// file: so neither a payload that looks like a head nor an old block of the disk is taken for one.
class HeadFormat {
 public:
  explicit HeadFormat(std::uint64_t salt);
  std::uint64_t salt() const { return salt_; }

  std::array<std::byte, kHeadBytes> record(const RecordHead& head, std::uint64_t offset) const;
  std::array<std::byte, kBatchHeadBytes> batch(const BatchHead& head, std::uint64_t offset) const;

  // What these bytes are, which stand at `offset`; nullopt: no such head.
  std::optional<RecordHead> read_record(std::span<const std::byte> bytes,
                                        std::uint64_t offset) const;
  std::optional<BatchHead> read_batch(std::span<const std::byte> bytes, std::uint64_t offset) const;
  // The salt of a batch's head whose file is not known.
  static std::optional<std::uint64_t> salt_of(std::span<const std::byte> bytes,
                                              std::uint64_t offset);

 private:
  std::uint32_t check(std::span<const std::byte> head, std::uint64_t offset) const;

  std::uint64_t salt_;
  std::uint32_t salt_crc_;
};

}  // namespace standpipe::log
