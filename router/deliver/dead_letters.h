// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/failure.h"
#include "base/limits.h"
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

// How much of them is kept: a file is closed when it has `file` bytes, and the oldest closed ones are removed, with a word, when
// all of them together would have more than `all`.
struct DeadLetterLimits {
  std::uint64_t file = 64 * MiB;
  std::uint64_t all = 1 * GiB;
};

// Keeps what cannot be delivered in DATA_DIR/dead-letters.log (a disk log), which is there from the first letter on, and in closed
// ones, dead-letters-N.log; the highest N is the youngest.
//
// Letters outlive the worker when put() has returned, so the cursor may pass their messages; they are on the disk a second later
// when more are put, and at once if a plugin died of them. (A failure of power takes the hub's memory, and all that waits in it,
// too; and a handler that rejects each of its messages must not stop the hub for a disk's sync each time.) Between that and the
// commit of the cursor the worker can die; its successor puts the same letters again, which are then found among the file's last
// ones and not written twice. Sequences begin anew with each run, hence the run's id: that of the memory, not of the worker.
class DeadLetters {
 public:
  DeadLetters(std::string data_dir, std::uint64_t run, Reporter& reporter, DeadLetterLimits limits = {})
      : folder_(std::move(data_dir)), run_(run), reporter_(reporter), limits_(limits) {}

  // All of them, or none. The failure, in words for people: their messages have to wait then.
  [[nodiscard]] std::optional<Failure> put(std::span<const DeadLetter> letters);

  static std::string path_in(const std::string& data_dir) { return data_dir + "/dead-letters.log"; }
  // Closed ones, the oldest first.
  static std::vector<std::string> closed_in(const std::string& data_dir);

 private:
  void open();
  bool is_to_be_synced(std::span<const DeadLetter> letters);
  void close_full();
  void keep_within_limits();
  std::string identity(const DeadLetter& letter) const;

  std::string folder_;
  std::uint64_t run_;
  Reporter& reporter_;
  DeadLetterLimits limits_;
  std::optional<log::DiskLog> log_;
  Nanoseconds synced_{0};
  std::set<std::string> last_;  // identities of the last letters that were there when the file was opened
};

// Reads the letters back, oldest first, beside a running hub or without one. Throws Failure.
class DeadLetterReader {
 public:
  explicit DeadLetterReader(const std::string& data_dir);
  std::optional<DeadLetter> next();
  std::uint64_t unreadable() const { return unreadable_; }  // letters so far that a later version may have written

 private:
  std::vector<std::string> paths_;  // not yet read, the next one last
  std::optional<log::DiskLog> log_;
  log::DiskLog::Cursor at_;
  std::uint64_t unreadable_ = 0;
};

}  // namespace standpipe::deliver
