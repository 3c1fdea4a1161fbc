// SPDX-License-Identifier: Apache-2.0
#include "log/record_appender.h"

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

#include "base/crc32c.h"
#include "log/disk_error.h"
#include "log/file_window.h"

namespace standpipe::log {
namespace {

void append_bytes(std::vector<std::byte>& to, std::span<const std::byte> bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
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

std::optional<Failure> RecordAppender::append(std::span<const std::byte> meta,
                                              std::span<const std::span<const std::byte>> payload,
                                              std::span<const std::byte> fields) {
  if (auto failure = cut()) return failure;
  if (!is_plain_ && batch_records_ == 0) begin_batch();
  const auto meta_bytes = static_cast<std::uint32_t>(meta.size());
  const auto meta_length = number_bytes(fields.empty() ? meta_bytes : meta_bytes | kHasFields);
  const auto fields_length = number_bytes(static_cast<std::uint32_t>(fields.size()));
  std::size_t payload_bytes = 0;
  auto crc = crc32c(meta, is_plain_ ? crc32c(meta_length) : 0);
  if (!fields.empty()) crc = crc32c(fields, crc32c(fields_length, crc));
  for (const auto part : payload) {
    crc = crc32c(part, crc);
    payload_bytes += part.size();
  }
  const auto head_bytes = is_plain_ ? kPlainHeadBytes : kHeadBytes;
  const auto fields_bytes = fields.empty() ? 0 : kFieldsLengthBytes + fields.size();
  const auto bytes =
      static_cast<std::uint32_t>(head_bytes + meta.size() + fields_bytes + payload_bytes);
  if (is_plain_) {
    append_bytes(buffer_, number_bytes(bytes));
    append_bytes(buffer_, number_bytes(crc));
    append_bytes(buffer_, meta_length);
  } else {
    append_bytes(
        buffer_,
        format_.record(
            {.bytes = bytes, .crc = crc, .meta_bytes = meta_bytes, .has_fields = !fields.empty()},
            now_.end));
  }
  append_bytes(buffer_, meta);
  if (!fields.empty()) {
    append_bytes(buffer_, fields_length);
    append_bytes(buffer_, fields);
  }
  ++batch_records_;
  now_.end += bytes;
  ++now_.records;
  now_.last.assign(meta.begin(), meta.end());

  if (payload_bytes > kCopiedBytesMax) return flush(payload);
  for (const auto part : payload) append_bytes(buffer_, part);
  return buffer_.size() >= kBufferBytes ? flush({}) : std::nullopt;
}

// Leaves room for its head, which is known when it is written.
void RecordAppender::begin_batch() {
  buffer_.resize(kBatchHeadBytes);
  now_.end += kBatchHeadBytes;
}

// Writes the buffer and, after it, the payload of its last record, as far as that is not in the
// buffer.
std::optional<Failure> RecordAppender::flush(std::span<const std::span<const std::byte>> payload) {
  std::vector<std::span<const std::byte>> parts{buffer_};
  std::uint64_t bytes = buffer_.size();
  for (const auto part : payload) {
    parts.push_back(part);
    bytes += part.size();
  }
  const auto begin = now_.end - bytes;
  if (!is_plain_ && batch_records_ > 0) {
    const auto head = format_.batch({static_cast<std::uint32_t>(bytes), batch_records_}, begin);
    std::copy(head.begin(), head.end(), buffer_.begin());
  }
  if (const int error = write_all(fd_, parts, begin)) return take_back("write", error);
  buffer_.clear();
  batch_records_ = 0;
  return std::nullopt;
}

std::optional<Failure> RecordAppender::sync() {
  if (auto failure = write_out()) return failure;
  if (!unsynced_) return std::nullopt;
  if (::fdatasync(fd_) != 0) {
    const int error = errno;
    is_doubtful_ = counted_.end > synced_end_;
    return take_back("sync", error);
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

Failure RecordAppender::take_back(const char* action, int error) {
  buffer_.clear();
  batch_records_ = 0;
  now_ = counted_;
  is_uncut_ = true;
  (void)cut();
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
