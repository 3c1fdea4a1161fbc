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
#include "log/file_header.h"
#include "log/log_walker.h"
#include "log/meta_block.h"
#include "log/record_appender.h"
#include "log/record_format.h"
#include "log/survey.h"

namespace standpipe::log {

// Records in one file, each with a payload and metadata about it: append (RecordAppender), read
// back (LogWalker), delete. FORMAT.md describes the bytes.
//
// Records are on the disk when sync() has returned without a failure, and not before: they are
// collected first. After a failure none of those since the last sync is there, nor any part of
// them, so the log stays readable and its caller, who still has them, can append them again. (A
// failed fdatasync may have lost any page that was not yet written: appending after it would leave
// a hole.) write() and sync() close a batch, so bytes() is the end of one then.
//
// A file is what its records' checksums say (Survey): what a kill or a power failure left behind
// the last whole record is cut off when it is opened to append; damaged records before that are
// passed over, and reported. Every record that is not damaged comes back, whatever lies beside it.
// A damaged header is no reason to refuse a file.
//
// A caller that appends for long without a sync hands records over to the kernel instead: they
// survive the death of all processes, though not a power failure. What was handed over stays when a
// later sync fails, and the next sync writes it again; if by then it is no longer what was written,
// that sync fails too, and so does every later one.
//
// A record may have fields, too: the metadata of a message that is its payload (meta_block.h).
//
// New files are of version 3. A plain one of an older Standpipe is read, and is continued in its
// version, which the first fields raise from 1 to 2.
//
// One thread; one appender a file (the lock of data_dir sees to that), any number of readers beside
// it.
class DiskLog {
 public:
  enum class Access {
    append,
    read
  };  // append makes the file and cuts its end; read leaves all as it is

  using Recovery = log::Recovery;  // what opening found
  struct Record {                  // valid until the next read
    std::span<const std::byte> meta;
    std::span<const std::byte> fields;  // at most kFieldsBytesMax; what they say is not checked
    std::span<const std::byte> payload;
  };
  struct ReadPosition {
    std::uint64_t offset = 0;  // 0: at the first record
  };

  // Throws Failure: the file cannot be had, or is not a disk log. `newest`: the version that this
  // program knows; tests claim an older one.
  static DiskLog open(const std::string& path, Access access,
                      std::uint32_t newest = kNewestVersion);

  // To append to, as it was when it had `end` bytes (0: it is new), which is a batch's end: what
  // lies after is cut off, what lies before is not looked at. Nothing of it is on the disk for
  // certain, not even its name, before the next sync.
  static DiskLog resume(const std::string& path, std::uint64_t end);

  // To read, without a look at what is in it beforehand: reading meets damage where it is.
  static DiskLog walk(const std::string& path);

  [[nodiscard]] std::optional<Failure> append(std::span<const std::byte> meta,
                                              std::span<const std::span<const std::byte>> payload,
                                              std::span<const std::byte> fields = {});
  [[nodiscard]] std::optional<Failure> sync();
  // The same, but no further than the kernel: they outlive this process, and not a failure of
  // power.
  [[nodiscard]] std::optional<Failure> write() { return appender_.write(); }
  // The kernel begins to write what was written, so that a later sync has less to wait for.
  void begin_write_back() const;
  // The next record that was synced, or was there when the file was opened. Throws Failure when the
  // disk cannot be read.
  std::optional<Record> read_next(ReadPosition& at);
  // A number in the file's header, for its user: how many of its records are done with. It takes no
  // room on a full disk, for it writes where something is already.
  [[nodiscard]] static std::optional<Failure> set_done(const std::string& path,
                                                       std::uint32_t records);
  // The same, but no further than the kernel.
  [[nodiscard]] static std::optional<Failure> write_done(const std::string& path,
                                                         std::uint32_t records);
  std::uint32_t done() const { return header_.done; }  // as it was when the file was opened
  std::uint32_t version() const { return header_.version; }
  [[nodiscard]] std::optional<Failure>
  remove();  // deletes the file; nothing else may be done afterwards

  // false: somebody has removed or replaced it since it was opened.
  bool is_at_its_path() const;

  const Recovery& recovery() const { return recovery_; }
  std::optional<std::span<const std::byte>> last()
      const;  // meta of the last record; valid until the next append or sync
  std::uint64_t records() const { return appender_.now().records; }
  std::uint64_t bytes() const { return appender_.now().end; }
  const std::string& path() const { return path_; }

 private:
  DiskLog(std::string path, Fd fd, bool searches);
  static DiskLog have(const std::string& path, Access access);
  std::uint64_t size() const;
  void begin(Access access, std::uint32_t newest);
  void begin_file();
  void repair_header();
  RecordAppender::Mark scan(Access access);
  void shorten_batch(const Survey::Shortened& shortened);
  void cut_end();
  std::optional<Failure> raise_version();
  std::optional<Failure> sync_name();
  std::optional<Failure> write_doubtful();

  std::string path_;
  Fd fd_;
  FileHeader header_;
  Recovery recovery_;
  LogWalker walker_;
  RecordAppender appender_;
  bool is_name_unsynced_ = false;  // its folder's sync may not have had it
};

}  // namespace standpipe::log
