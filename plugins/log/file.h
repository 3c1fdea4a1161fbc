// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <standpipe/open.hpp>
#include <standpipe/plugin.hpp>
#include <string>

#include "common/fd.h"
#include "record.h"

// A path cannot be written to now, which can heal while we wait. `is_alone`: nothing but the file
// itself is to blame, so that other files of the same folder may be well.
class FileUnavailable : public standpipe::disconnected {
 public:
  FileUnavailable(const std::string& why, bool is_alone)
      : standpipe::disconnected(why), is_alone_(is_alone) {}
  bool is_alone() const { return is_alone_; }

 private:
  bool is_alone_;
};

// One open log file: a regular file that is locked (two writers would cut each other's records),
// ends in a whole record, and is only ever appended to. Where its end is, the file itself says:
// others may have emptied it (logrotate's copytruncate).
//
// It is opened by the rules of standpipe/open.hpp. What fails throws standpipe::disconnected where
// it can heal while we wait (FileUnavailable where it is not the disk or this process that fails),
// standpipe::fatal where only a person can help; the text has the path and the remedy.
class LogFile {
 public:
  struct Request {
    std::string path;
    std::uint32_t mode = 0640;
    bool create_folders = false;
    Format format = Format::lines;
    bool durable = true;  // a new file's name is to survive a power cut, too
    bool trust_others = false;
  };
  explicit LogFile(const Request& request);

  // Where the path leads now, which may be elsewhere than to this file.
  static standpipe::paths::Entry place(const Request& request);

  // Whether files can be in that folder, which is made where that was asked. Throws as the
  // constructor does, with the request's path.
  static void check_folder(const Request& request, const std::string& folder);

  struct State {
    std::uint64_t size = 0;
    bool was_deleted =
        false;  // it has no name left, so nobody will ever read what is written to it
  };
  int fd() const { return fd_.get(); }
  State state() const;
  bool is_at(const standpipe::paths::Entry& entry) const;
  bool still_has_its_name() const;  // false once the file was moved away or deleted
  // When it came into being, by its file system; not every one knows.
  std::optional<std::chrono::nanoseconds> birth() const;
  const std::string& remarks() const {
    return remarks_;
  }  // what the operator should know of its opening; empty: nothing

  int sync();                        // returns 0 or errno
  int cut_end(std::uint64_t bytes);  // takes that much off its end; returns 0 or errno

 private:
  void open_or_create(const standpipe::paths::Entry& entry, const Request& request);
  void check_type() const;
  bool lock();
  void remark(const std::string& text);

  std::string path_;
  common::Fd fd_;
  std::string remarks_;
};
