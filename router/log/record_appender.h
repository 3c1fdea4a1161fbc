// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/failure.h"
#include "log/file_header.h"
#include "log/record_head.h"

namespace standpipe::log {

// The end of a disk log: collects records, writes them, and decides what counts.
//
// Records are collected up to kBufferBytes and written together, as a batch; a large payload is
// written from where it lies, and ends its batch. (In a plain file they are written without a
// batch's head.) What was neither synced nor handed over to the kernel (`write`) does not count
// yet: after a failure all of it is taken back, from memory and from the file, and the log ends
// where it ended before.
//
// A sync that failed leaves pages that the kernel calls clean and that are not on the disk, so the
// next one would succeed without having written them. Therefore what was handed over since the last
// sync that worked is in doubt, and is written again (write_again) before another one.
//
// The descriptor is borrowed, and the only one that appends. One thread.
class RecordAppender {
 public:
  // The log's end at some moment.
  struct Mark {
    std::uint64_t end = kFileHeaderBytes;  // bytes of the file
    std::uint64_t records = 0;
    std::vector<std::byte> last = {};  // meta of the last record
  };
  static constexpr std::size_t kBufferBytes =
      256 * 1024;  // a write's worth: what is larger gains nothing
  static constexpr std::size_t kCopiedBytesMax = 16 * 1024;  // of a payload

  RecordAppender(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  // What the file has counts. `unsynced`: not all of it is on the disk.
  void begin_at(const FileHeader& header, Mark mark, bool unsynced = false);

  // Their sizes are within the bounds of disk_log.h.
  [[nodiscard]] std::optional<Failure> append(std::span<const std::byte> meta,
                                              std::span<const std::span<const std::byte>> payload,
                                              std::span<const std::byte> fields);
  [[nodiscard]] std::optional<Failure> sync();
  [[nodiscard]] std::optional<Failure> write();
  // What does not count is not there any more, as after a failure.
  void take_back();

  // A sync failed, and what counts from here on may not be on the disk, whatever the kernel says.
  std::optional<std::uint64_t> doubtful_from() const;
  // Makes it to be written again, as it is read; the caller knows that it is sound.
  [[nodiscard]] std::optional<Failure> write_again();

  const Mark& counted() const { return counted_; }  // up to the last success of sync or write
  const Mark& now() const { return now_; }          // with what is still collected

 private:
  RecordHead head_of(std::span<const std::byte> meta,
                     std::span<const std::span<const std::byte>> payload,
                     std::span<const std::byte> fields) const;
  std::byte* extend(std::size_t bytes);
  std::byte* put_head(std::byte* at, const RecordHead& head) const;
  std::optional<Failure> flush(std::span<const std::span<const std::byte>> payload);
  std::optional<Failure> write_out();
  void begin_batch();
  Failure failed(const char* action, int error);
  std::optional<Failure> cut();

  std::string path_;
  int fd_;
  bool is_plain_ = false;
  HeadFormat format_{0};
  Mark counted_;
  Mark now_;
  std::uint64_t synced_end_ = kFileHeaderBytes;
  bool unsynced_ = false;     // some were written, and not synced
  bool is_doubtful_ = false;  // and a sync of them failed
  bool is_uncut_ = false;     // the file has more than counts
  // Records on their way to the file, after room for a head: its first `buffered_` bytes. What is
  // behind them was written to before, so that no record waits until its room is made zeros.
  std::vector<std::byte> buffer_;
  std::size_t buffered_ = 0;
  std::uint32_t batch_records_ = 0;
};

// Writes all of it from `offset` on. Returns 0 or an errno, and then not how much was written.
int write_all(int fd, std::span<const std::span<const std::byte>> parts, std::uint64_t offset);

}  // namespace standpipe::log
