// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/reporter.h"
#include "deliver/account.h"
#include "log/disk_log.h"

namespace standpipe::deliver {

constexpr std::size_t kDetailBytesMax = 512;

// A message that was put aside, and why. Views: of its writer's, or valid until the reader's next().
struct DeadLetter {
  std::string_view source = {};
  std::string_view handler = {};
  std::string_view plugin = {};
  std::uint64_t sequence = 0;
  std::uint64_t accepted_ns = 0;   // since 1970
  std::uint64_t put_aside_ns = 0;  // since 1970
  Reason reason = Reason::rejected;
  std::string_view detail = {};  // "SIGSEGV in handle"; at most kDetailBytesMax, the rest is cut
  std::uint32_t attempts = 0;
  std::span<const std::byte> payload = {};
};

// Keeps what cannot be delivered in DATA_DIR/dead-letters.log (a disk log), which is there from the first letter on.
//
// A letter is on the disk when put() has returned, so the cursor may pass its message. Between that and the commit of the cursor
// the worker can die; its successor puts the same letter again, which is then found to be the last one in the file and not written
// twice. Sequences begin anew with each run, hence the run's id: that of the memory, not of the worker.
class DeadLetters {
 public:
  DeadLetters(const std::string& data_dir, std::uint64_t run, Reporter& reporter)
      : path_(path_in(data_dir)), run_(run), reporter_(reporter) {}

  // The failure, in words for people: the letter is not kept then, its message has to wait.
  [[nodiscard]] std::optional<Failure> put(const DeadLetter& letter);

  static std::string path_in(const std::string& data_dir) { return data_dir + "/dead-letters.log"; }

 private:
  void open();
  bool is_last(const DeadLetter& letter) const;

  std::string path_;
  std::uint64_t run_;
  Reporter& reporter_;
  std::optional<log::DiskLog> log_;
};

// Reads the letters back, oldest first, beside a running hub or without one. Throws Failure.
class DeadLetterReader {
 public:
  explicit DeadLetterReader(const std::string& data_dir);
  std::optional<DeadLetter> next();
  std::uint64_t unreadable() const { return unreadable_; }  // letters so far that a later version may have written
  const log::DiskLog::Recovery& recovery() const { return log_.recovery(); }

 private:
  log::DiskLog log_;
  log::DiskLog::Cursor at_;
  std::uint64_t unreadable_ = 0;
};

}  // namespace standpipe::deliver
