// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <standpipe/plugin.hpp>
#include <string>

#include "file.h"
#include "rotation.h"

enum class Sync { never, interval, always };

// How a handler's files are written and looked after.
struct Settings {
  LogFile::Request request;  // its path is each target's own
  Rotation rotation;
  Sync sync = Sync::interval;
  std::chrono::nanoseconds sync_interval{0};
};

// A path that is written to, through all the files that come to stand there: the present one is
// opened, rotated when it is full or old, opened anew when it has lost its name, synced as often as
// was asked. What is written to it, its owner decides, between prepare and the next prepare; in
// frames that is the router, where it writes to files (output() is not 0).
//
// What fails throws standpipe::disconnected, or standpipe::fatal from open() when what stands at
// the path is nothing to append to.
class Target {
 public:
  using nanoseconds = std::chrono::nanoseconds;

  // The settings are borrowed.
  Target(standpipe::Host host, const Settings& settings, std::string path);

  void open();
  void close();
  bool is_open() const { return file_.has_value(); }
  void reopen();  // the operator moved the files away

  // Before messages are written: afterwards the file has its name, and room, and is this large.
  std::uint64_t prepare(nanoseconds now);
  bool is_rotation_due(std::uint64_t size, nanoseconds now);
  void will_be_written() { is_dirty_ = true; }

  LogFile& file() { return *file_; }
  const std::string& path() const { return path_; }
  std::uint32_t output() const { return output_; }
  void grant();  // the router need not ask before the file is full or old

  int sync();  // returns 0 or errno
  void sync_or_throw();
  void sync_if_due(nanoseconds now);  // by `interval`
  void sync_before_end();             // unless that is never wanted
  // Takes that much off the file's end; warns when that fails.
  void cut_back(std::uint64_t bytes);

 private:
  LogFile::Request request() const;
  LogFile open_file() const;
  void use(LogFile file);
  std::uint64_t follow_name(nanoseconds now);
  void begin_anew(const char* why);
  void rotate(nanoseconds now);

  standpipe::Host host_;
  const Settings& settings_;
  std::string path_;
  std::optional<LogFile> file_;  // while open
  std::uint32_t output_ = 0;     // the router writes there; 0: we do
  bool is_dirty_ = false;        // something was written since the last sync
  nanoseconds born_{};           // of the file, or of the first record in it
  nanoseconds synced_{};         // the last sync
  nanoseconds name_checked_{};   // when its name was last looked up
  std::optional<nanoseconds> rotation_failed_;
};
