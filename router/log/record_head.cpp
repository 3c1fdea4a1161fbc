// SPDX-License-Identifier: Apache-2.0
#include "log/record_head.h"

#include <algorithm>
#include <cstring>

#include "base/crc32c.h"
#include "log/meta_block.h"

namespace standpipe::log {
namespace {

constexpr std::size_t kRecordCheckAt = 12, kBatchCheckAt = 20;
constexpr std::size_t kBatchSaltAt = 4;

std::array<std::byte, 8> long_number_bytes(std::uint64_t n) {
  std::array<std::byte, 8> bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(n >> (8 * i));
  return bytes;
}

template <std::size_t kBytes, std::size_t kMost>
void put(std::array<std::byte, kMost>& to, std::size_t at,
         const std::array<std::byte, kBytes>& bytes) {
  std::copy(bytes.begin(), bytes.end(), to.begin() + static_cast<std::ptrdiff_t>(at));
}

bool parts_fit(FileWindow& window, std::uint64_t offset, const RecordHead& head,
               std::uint64_t end) {
  if (head.meta_bytes > std::min<std::size_t>(head.bytes - head.head_bytes, kRecordMetaBytesMax))
    return false;
  if (!head.has_fields) return true;
  const auto rest = head.bytes - head.head_bytes - head.meta_bytes;
  if (rest < kFieldsLengthBytes) return false;
  const auto length =
      window.view(offset + head.head_bytes + head.meta_bytes, kFieldsLengthBytes, end);
  return number_at(length, 0) <= std::min<std::size_t>(rest - kFieldsLengthBytes, kFieldsBytesMax);
}

}  // namespace

std::array<std::byte, 4> number_bytes(std::uint32_t n) {
  std::array<std::byte, 4> bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(n >> (8 * i));
  return bytes;
}

std::uint32_t number_at(std::span<const std::byte> bytes, std::size_t at) {
  std::uint32_t n = 0;
  for (std::size_t i = 0; i < sizeof n; ++i)
    n |= std::to_integer<std::uint32_t>(bytes[at + i]) << (8 * i);
  return n;
}

std::uint64_t long_number_at(std::span<const std::byte> bytes, std::size_t at) {
  return number_at(bytes, at) | std::uint64_t{number_at(bytes, at + 4)} << 32;
}

bool is_whole(FileWindow& window, std::uint64_t offset, const RecordHead& head, std::uint64_t end) {
  if (!parts_fit(window, offset, head, end)) return false;
  const auto record_end = offset + head.bytes;
  std::uint32_t crc = 0;
  for (offset += head.crc_from; offset < record_end;) {
    const auto piece =
        window.view(offset, std::min<std::uint64_t>(record_end - offset, FileWindow::kBytes), end);
    crc = crc32c(piece, crc);
    offset += piece.size();
  }
  return crc == head.crc;
}

HeadFormat::HeadFormat(std::uint64_t salt)
    : salt_(salt), salt_crc_(crc32c(long_number_bytes(salt))) {}

std::uint32_t HeadFormat::check(std::span<const std::byte> head, std::uint64_t offset) const {
  return crc32c(head, crc32c(long_number_bytes(offset), salt_crc_));
}

std::array<std::byte, kHeadBytes> HeadFormat::record(const RecordHead& head,
                                                     std::uint64_t offset) const {
  std::array<std::byte, kHeadBytes> bytes;
  put(bytes, 0, number_bytes(head.bytes));
  put(bytes, 4, number_bytes(head.crc));
  put(bytes, 8, number_bytes(head.has_fields ? head.meta_bytes | kHasFields : head.meta_bytes));
  put(bytes, kRecordCheckAt, number_bytes(check(std::span(bytes).first(kRecordCheckAt), offset)));
  return bytes;
}

std::array<std::byte, kBatchHeadBytes> HeadFormat::batch(const BatchHead& head,
                                                         std::uint64_t offset) const {
  std::array<std::byte, kBatchHeadBytes> bytes;
  put(bytes, 0, number_bytes(kBatchMark));
  put(bytes, kBatchSaltAt, long_number_bytes(salt_));
  put(bytes, 12, number_bytes(head.bytes));
  put(bytes, 16, number_bytes(head.records));
  put(bytes, kBatchCheckAt, number_bytes(check(std::span(bytes).first(kBatchCheckAt), offset)));
  return bytes;
}

std::optional<RecordHead> HeadFormat::read_record(std::span<const std::byte> bytes,
                                                  std::uint64_t offset) const {
  if (bytes.size() < kHeadBytes) return std::nullopt;
  RecordHead head;
  head.bytes = number_at(bytes, 0);
  // Nearly all that is no head ends here, which makes searching quick.
  if (head.bytes < kHeadBytes || head.bytes > kRecordBytesMax) return std::nullopt;
  if (number_at(bytes, kRecordCheckAt) != check(bytes.first(kRecordCheckAt), offset))
    return std::nullopt;
  head.crc = number_at(bytes, 4);
  head.meta_bytes = number_at(bytes, 8) & ~kHasFields;
  head.has_fields = (number_at(bytes, 8) & kHasFields) != 0;
  return head;
}

std::optional<BatchHead> HeadFormat::read_batch(std::span<const std::byte> bytes,
                                                std::uint64_t offset) const {
  if (bytes.size() < kBatchHeadBytes || number_at(bytes, 0) != kBatchMark ||
      long_number_at(bytes, kBatchSaltAt) != salt_ ||
      number_at(bytes, kBatchCheckAt) != check(bytes.first(kBatchCheckAt), offset))
    return std::nullopt;
  return BatchHead{number_at(bytes, 12), number_at(bytes, 16)};
}

std::optional<std::uint64_t> HeadFormat::salt_of(std::span<const std::byte> bytes,
                                                 std::uint64_t offset) {
  if (bytes.size() < kBatchHeadBytes || number_at(bytes, 0) != kBatchMark) return std::nullopt;
  const auto salt = long_number_at(bytes, kBatchSaltAt);
  if (!HeadFormat(salt).read_batch(bytes, offset)) return std::nullopt;
  return salt;
}

}  // namespace standpipe::log
