// SPDX-License-Identifier: Apache-2.0
#include "log/record_appender.h"

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <utility>

#include "base/crc32c.h"
#include "log/disk_error.h"
#include "log/file_window.h"

namespace standpipe::log {
namespace {

// Returns where they end.
std::byte* put(std::byte* at, std::span<const std::byte> bytes) {
  return std::copy(bytes.begin(), bytes.end(), at);
}

std::array<std::byte, 4> meta_length(const RecordHead& head) {
  return number_bytes(head.has_fields ? head.meta_bytes | kHasFields : head.meta_bytes);
}

// Skips `bytes` that were written, and empty parts.
std::span<iovec> after(std::span<iovec> parts, std::size_t bytes) {
  while (!parts.empty() && bytes >= parts[0].iov_len) {
    bytes -= parts[0].iov_len;
    parts = parts.subspan(1);
  }
  if (!parts.empty())
    parts[0] = {static_cast<char*>(parts[0].iov_base) + bytes, parts[0].iov_len - bytes};
  return parts;
}

}  // namespace

int write_all(int fd, std::span<const std::span<const std::byte>> parts, std::uint64_t offset) {
  std::vector<iovec> vectors;
  for (const auto part : parts)
    vectors.push_back({const_cast<std::byte*>(part.data()), part.size()});
  for (auto left = after(vectors, 0); !left.empty();) {
    const auto count = static_cast<int>(std::min<std::size_t>(left.size(), IOV_MAX));
    const auto n = ::pwritev(fd, left.data(), count, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    if (n == 0) return EIO;  // does not happen to files, and must not spin
    offset += static_cast<std::uint64_t>(n);
    left = after(left, static_cast<std::size_t>(n));
  }
  return 0;
}

void RecordAppender::begin_at(const FileHeader& header, Mark mark, bool unsynced) {
  is_plain_ = header.is_plain();
  format_ = HeadFormat(header.salt);
  synced_end_ = unsynced ? header.bytes() : mark.end;
  counted_ = now_ = std::move(mark);
  unsynced_ = unsynced;
}

// What stands before the record, whose checksum it has.
RecordHead RecordAppender::head_of(std::span<const std::byte> meta,
                                   std::span<const std::span<const std::byte>> payload,
                                   std::span<const std::byte> fields) const {
  RecordHead head{.meta_bytes = static_cast<std::uint32_t>(meta.size()),
                  .has_fields = !fields.empty()};
  if (is_plain_) head.head_bytes = kPlainHeadBytes;
  auto bytes = head.head_bytes + meta.size();
  head.crc = crc32c(meta, is_plain_ ? crc32c(meta_length(head)) : 0);
  if (head.has_fields) {
    const auto length = number_bytes(static_cast<std::uint32_t>(fields.size()));
    head.crc = crc32c(fields, crc32c(length, head.crc));
    bytes += kFieldsLengthBytes + fields.size();
  }
  for (const auto part : payload) {
    head.crc = crc32c(part, head.crc);
    bytes += part.size();
  }
  head.bytes = static_cast<std::uint32_t>(bytes);
  return head;
}

std::optional<Failure> RecordAppender::append(std::span<const std::byte> meta,
                                              std::span<const std::span<const std::byte>> payload,
                                              std::span<const std::byte> fields) {
  if (auto failure = cut()) return failure;
  if (!is_plain_ && batch_records_ == 0) begin_batch();
  const auto head = head_of(meta, payload, fields);
  std::size_t payload_bytes = 0;
  for (const auto part : payload) payload_bytes += part.size();
  const bool is_copied = payload_bytes <= kCopiedBytesMax;

  auto* at = extend(head.bytes - (is_copied ? 0 : payload_bytes));
  at = put(put_head(at, head), meta);
  if (head.has_fields)
    at = put(put(at, number_bytes(static_cast<std::uint32_t>(fields.size()))), fields);
  if (is_copied)
    for (const auto part : payload) at = put(at, part);
  ++batch_records_;
  now_.end += head.bytes;
  ++now_.records;
  now_.last.assign(meta.begin(), meta.end());

  if (!is_copied) return flush(payload);
  return buffered_ >= kBufferBytes ? flush({}) : std::nullopt;
}

// Room for so many bytes more, which the caller fills.
std::byte* RecordAppender::extend(std::size_t bytes) {
  if (buffer_.size() - buffered_ < bytes)
    buffer_.resize(std::max(2 * buffer_.size(), buffered_ + bytes));
  auto* at = buffer_.data() + buffered_;
  buffered_ += bytes;
  return at;
}

// Returns where its record goes on.
std::byte* RecordAppender::put_head(std::byte* at, const RecordHead& head) const {
  if (!is_plain_) return put(at, format_.record(head, now_.end));
  at = put(put(at, number_bytes(head.bytes)), number_bytes(head.crc));
  return put(at, meta_length(head));
}

// Leaves room for its head, which is known when it is written.
void RecordAppender::begin_batch() {
  (void)extend(kBatchHeadBytes);
  now_.end += kBatchHeadBytes;
}

// Writes the buffer and, after it, the payload of its last record, as far as that is not in the
// buffer.
std::optional<Failure> RecordAppender::flush(std::span<const std::span<const std::byte>> payload) {
  std::vector<std::span<const std::byte>> parts{std::span(buffer_).first(buffered_)};
  std::uint64_t bytes = buffered_;
  for (const auto part : payload) {
    parts.push_back(part);
    bytes += part.size();
  }
  const auto begin = now_.end - bytes;
  if (!is_plain_ && batch_records_ > 0) {
    const auto head = format_.batch({static_cast<std::uint32_t>(bytes), batch_records_}, begin);
    std::copy(head.begin(), head.end(), buffer_.begin());
  }
  if (const int error = write_all(fd_, parts, begin)) return failed("write", error);
  buffered_ = 0;
  batch_records_ = 0;
  return std::nullopt;
}

std::optional<Failure> RecordAppender::sync() {
  if (auto failure = write_out()) return failure;
  if (!unsynced_) return std::nullopt;
  if (::fdatasync(fd_) != 0) {
    const int error = errno;
    is_doubtful_ = counted_.end > synced_end_;
    return failed("sync", error);
  }
  unsynced_ = false;
  counted_ = now_;
  synced_end_ = now_.end;
  return std::nullopt;
}

std::optional<Failure> RecordAppender::write() {
  if (auto failure = write_out()) return failure;
  counted_ = now_;
  return std::nullopt;
}

std::optional<Failure> RecordAppender::write_out() {
  if (auto failure = cut()) return failure;
  if (now_.records == counted_.records) return std::nullopt;
  if (auto failure = flush({})) return failure;
  unsynced_ = true;
  return std::nullopt;
}

void RecordAppender::take_back() {
  buffered_ = 0;
  batch_records_ = 0;
  now_ = counted_;
  is_uncut_ = true;
  (void)cut();
}

Failure RecordAppender::failed(const char* action, int error) {
  take_back();
  return disk_error(action, path_, error);
}

// Nothing is appended before what a failure left is cut off: a shorter batch would not cover it,
// and its records would be found behind that one.
std::optional<Failure> RecordAppender::cut() {
  if (!is_uncut_) return std::nullopt;
  if (::ftruncate(fd_, static_cast<off_t>(counted_.end)) != 0)
    return disk_error("cut the end of", path_, errno);
  is_uncut_ = false;
  return std::nullopt;
}

// ---- after a failed sync

std::optional<std::uint64_t> RecordAppender::doubtful_from() const {
  return is_doubtful_ ? std::optional(synced_end_) : std::nullopt;
}

std::optional<Failure> RecordAppender::write_again() {
  FileWindow window(path_, fd_);
  for (auto at = synced_end_; at < counted_.end;) {
    const auto left = std::min<std::uint64_t>(counted_.end - at, FileWindow::kBytes);
    std::span<const std::byte> piece;
    try {
      piece = window.view(at, left, counted_.end);
    } catch (const Failure& failure) {
      return failure;
    }
    if (const int error = write_all(fd_, {&piece, 1}, at)) return disk_error("write", path_, error);
    at += piece.size();
  }
  is_doubtful_ = false;
  return std::nullopt;
}

}  // namespace standpipe::log
