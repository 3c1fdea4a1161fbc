// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/failure.h"
#include "base/fd.h"
#include "base/limits.h"

namespace standpipe::log {

constexpr std::size_t kRecordBytesMax = 1 * GiB + 1 * MiB;  // the largest message and what is said of it
constexpr std::size_t kRecordMetaBytesMax = 64 * KiB;

// Records in one file, each a payload and what is said of it (meta): append, read back, delete. The bytes are in FORMAT.md.
//
// Records are on the disk when sync() has returned without a failure, and not before: they are collected first. After a failure
// none of those since the last sync is there, nor any part of them, so the log stays readable and its caller, who still has them,
// can append them again. (A failed fdatasync may have lost any page that was not yet written: appending behind it would leave a
// hole.) A file is what its records' checksums say: what a kill or a power failure left behind the last whole record is cut off
// when it is opened; damaged records before that are passed over, and said. Who only reads also finds what stands behind a damaged
// length.
//
// Who appends for long without a sync hands over instead: those records are the kernel's, and survive the death of all processes,
// though not a power failure. What was handed over counts as synced in all that is said here of failures.
//
// One thread; one appender a file (the lock of data_dir sees to that), any number of readers beside it.
class DiskLog {
 public:
  enum class Access { append, read };  // append makes the file and cuts its end; read leaves all as it is

  // What opening found.
  struct Recovery {
    std::uint64_t kept = 0;           // whole records
    std::uint64_t damaged = 0;        // records before the last whole one that are passed over
    std::uint64_t dropped_bytes = 0;  // behind the last whole record
    std::string reason;               // why those are no records
    // For people; empty when all is well.
    std::string text() const;
  };
  struct Record {  // valid until the next read
    std::span<const std::byte> meta;
    std::span<const std::byte> payload;
  };
  struct Cursor {
    std::uint64_t offset = 0;  // 0: at the first record
  };

  // Throws Failure: the file cannot be had, or is no disk log.
  static DiskLog open(const std::string& path, Access access);

  // To append to, as it was when it had `end` bytes (0: it is new): what lies behind is cut off, what lies before is not looked at.
  static DiskLog resume(const std::string& path, std::uint64_t end);

  [[nodiscard]] std::optional<Failure> append(std::span<const std::byte> meta, std::span<const std::span<const std::byte>> payload);
  [[nodiscard]] std::optional<Failure> sync();
  // The same, but no further than the kernel: they outlive this process, and not a failure of power.
  [[nodiscard]] std::optional<Failure> write();
  // The kernel begins to write what was written, so that a later sync has less to wait for.
  void begin_write_back() const;
  // The next record that was synced, or was there when the file was opened. Throws Failure when the disk cannot be read.
  std::optional<Record> read_next(Cursor& at);
  // A number in the file's header, for its user: how many of its records are done with. It takes no room on a full disk, for it
  // writes where something is already.
  [[nodiscard]] static std::optional<Failure> set_done(const std::string& path, std::uint32_t records);
  std::uint32_t done() const { return done_; }    // as it was when the file was opened
  [[nodiscard]] std::optional<Failure> remove();  // deletes the file; nothing else may be done afterwards

  const Recovery& recovery() const { return recovery_; }
  std::optional<std::span<const std::byte>> last() const;  // meta of the last record; valid until the next append or sync
  std::uint64_t records() const { return now_.records; }
  std::uint64_t bytes() const { return now_.end; }
  const std::string& path() const { return path_; }

 private:
  struct Mark {  // the log's end at some moment
    std::uint64_t end = 0;
    std::uint64_t records = 0;
    std::vector<std::byte> last;
  };
  struct Head {
    std::uint32_t bytes = 0;
    std::uint32_t crc = 0;
    std::uint32_t meta_bytes = 0;
  };

  DiskLog(std::string path, Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  std::uint64_t size() const;
  void begin(Access access);
  void check_header();
  struct Found {
    std::uint64_t offset = 0;
    Head head;
    std::uint64_t passed = 0;  // damaged ones before it
  };
  void scan(std::uint64_t size);
  std::optional<Found> next_whole(std::uint64_t offset, std::uint64_t end);
  void cut_end();
  bool is_whole(std::uint64_t offset, const Head& head, std::uint64_t end);
  std::optional<Head> head_at(std::uint64_t offset, std::uint64_t end);
  std::span<const std::byte> window(std::uint64_t offset, std::size_t bytes, std::uint64_t end);
  std::optional<Failure> flush(std::span<const std::span<const std::byte>> payload);
  std::optional<Failure> write_out();
  Failure take_back(const char* what, int error);

  std::string path_;
  Fd fd_;
  bool searches_ = false;
  std::uint32_t done_ = 0;
  Recovery recovery_;
  Mark synced_;
  bool unsynced_ = false;          // some were written, and not synced
  Mark now_;                       // with what is still in buffer_
  std::vector<std::byte> buffer_;  // records on their way to the file
  std::vector<std::byte> window_;  // a part of the file, for reading
  std::uint64_t window_offset_ = 0;
};

}  // namespace standpipe::log
