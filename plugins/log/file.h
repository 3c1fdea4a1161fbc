// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "common/fd.h"
#include "record.h"

// One open log file: a regular file that is locked (two writers would cut each other's records), ends in a whole record, and is
// only ever appended to. Where its end is, the file itself says: others may have emptied it (logrotate's copytruncate).
//
// What fails throws standpipe::disconnected where it can heal while we wait, standpipe::fatal where only a person can help; the
// text has the path and the remedy.
class LogFile {
 public:
  struct Request {
    std::string path;
    std::uint32_t mode = 0640;
    bool create_folders = false;
    Format format = Format::lines;
    bool durable = true;  // a new file's name is to survive a power cut, too
  };
  explicit LogFile(const Request& request);

  int fd() const { return fd_.get(); }
  std::uint64_t size() const;
  bool still_has_its_name() const;  // false once the file was moved away or deleted
  // When it came into being, by its file system; not every one knows.
  std::optional<std::chrono::nanoseconds> birth() const;
  const std::string& repaired() const { return repaired_; }  // what was wrong with its end; empty: nothing

  int sync();                        // returns 0 or errno
  int cut_end(std::uint64_t bytes);  // takes that much off its end; returns 0 or errno

 private:
  void open_or_create(const Request& request);
  void check_type() const;
  bool lock();

  std::string path_;
  common::Fd fd_;
  std::string repaired_;
};
