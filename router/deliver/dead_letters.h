// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/failure.h"
#include "base/limits.h"
#include "base/reporter.h"
#include "deliver/account.h"
#include "deliver/replayed_letters.h"
#include "log/disk_log.h"

namespace standpipe::deliver {

struct LetterFilter;
class LetterRewrite;

constexpr std::size_t kDetailBytesMax = 512;
// Dead letters of a data_dir. To stay within their limits they are removed by files, each of at
// most an eighth of the size; a person (`dead purge`) removes single ones.
constexpr std::uint64_t kDeadLettersMaxDefault = 1 * GiB;
constexpr std::uint64_t kDeadLettersMaxLeast = 1 * MiB;
constexpr std::uint64_t kDeadLettersMaxMost = 1024 * GiB;
constexpr Nanoseconds kDeadLettersAgeDefault = std::chrono::hours(30 * 24);

// Messages that are replayed have numbers of their own, so that no two letters of a run are the
// same: from here on, kReplayedStretch for each replay of a source and handler.
constexpr std::uint64_t kReplayedSequences = std::uint64_t{1} << 48;
constexpr std::uint64_t kReplayedStretch = std::uint64_t{1} << 32;

// The fields by which letters are told apart, as a letter has them and as they are remembered.
template <class Text>
using LetterFields = std::tuple<std::uint64_t, std::uint64_t, std::uint64_t, Text, Text>;
using LetterKey = LetterFields<std::string_view>;
using RememberedLetter = LetterFields<std::string>;

// A message that was dead-lettered, and why. Views: of its writer's, or valid until the reader's
// next().
struct DeadLetter {
  std::string_view source = {};
  std::string_view handler = {};
  std::string_view plugin = {};
  std::uint64_t sequence = 0;          // of its source; from kReplayedSequences on: of a replay
  std::uint64_t accepted_ns = 0;       // since 1970
  std::uint64_t dead_lettered_ns = 0;  // since 1970
  Reason reason = Reason::rejected;
  std::string_view detail = {};  // "SIGSEGV in handle"; at most kDetailBytesMax, the rest is cut
  // The first one that took it to its handler, when it was dead-lettered; empty: it is not known.
  std::string_view route = {};
  std::uint32_t attempts = 0;
  std::span<const std::byte> payload = {};
  std::span<const std::byte> fields = {};  // its metadata (log/meta_block.h)
  std::uint64_t run = 0;  // the hub's, whose sequence it is; where it was read from the file

  std::vector<std::pair<std::string_view, std::string_view>> metadata() const;  // names and values
  // nullopt: it is none, or one of a later version.
  static std::optional<DeadLetter> read(const log::DiskLog::Record& record);
  // What of it is the same in no other letter; `of_run`: the hub's, whose sequence it is.
  LetterKey key(std::uint64_t of_run) const {
    return {of_run, sequence, accepted_ns, source, handler};
  }
  // The same as a number (all but a few in 2^64 times).
  std::uint64_t identity() const;
};

// How many dead letters are kept: a file is closed when it has `file` bytes, or its first letter is
// older than a tenth of `age`; and when all together would have more than `all`, or all of a file's
// are older than `age`, the oldest files are removed, with a warning.
struct DeadLetterLimits {
  std::uint64_t file = 64 * MiB;
  std::uint64_t all = 1 * GiB;
  Nanoseconds age{0};  // 0: they may be of any age

  // With files that are small enough for such a limit to mean something.
  static DeadLetterLimits of(std::uint64_t all, Nanoseconds age) {
    return {.file = std::min<std::uint64_t>(64 * MiB, all / 8), .all = all, .age = age};
  }
};

// Keeps what cannot be delivered in DATA_DIR/dead-letters.log (a disk log), which is there from the
// first letter on, and in closed ones, dead-letters-N.log; the highest N is the youngest.
//
// Letters outlive the worker when put() has returned, so the cursor may pass their messages; they
// are on the disk a second later when more are put, and at once if a plugin died of them. (A
// failure of power takes the hub's memory, and all that waits in it, too; and a handler that
// rejects each of its messages must not stop the hub for a disk's sync each time.) Between that and
// the commit of the cursor the worker can die; its successor puts the same letters again, which are
// then found among the last ones and not written twice. Sequences begin anew with each run, hence
// the run's id: that of the memory, not of the worker. Within a run they do with a source or a
// queue that a reload brings back, hence the time of acceptance.
//
// One thread at a time (LetterWriter has one).
class DeadLetters {
 public:
  DeadLetters(std::string data_dir, std::uint64_t run, Reporter& reporter,
              DeadLetterLimits limits = {}, const Clock* clock = nullptr)
      : folder_(std::move(data_dir)),
        run_(run),
        reporter_(&reporter),
        limits_(limits),
        clock_(clock),
        replayed_(folder_) {}

  // All of them, or none. The failure, in words for people: their messages have to wait then.
  [[nodiscard]] std::optional<Failure> put(std::span<const DeadLetter> letters);

  // The folder is another one by now.
  void reopen() {
    log_.reset();
    replayed_.reopen();
  }
  // Those whose time is over.
  void remove_old();
  // Those that fit. Returns how many there were; throws Failure: the disk refuses, and some of them
  // may be there yet. Files are written anew, without them, and take the place of the old ones.
  std::uint64_t purge(const LetterFilter& filter);
  // What is there now lies in closed files, and what comes in others: returns the highest number of
  // those; 0: there are none. Throws Failure.
  std::uint64_t close_all();
  // Those letters are not there any more (replayed_letters.h), but what was put before is on the
  // disk first. The failure: some may be there yet.
  [[nodiscard]] std::optional<Failure> leave_out(std::span<const std::uint64_t> identities);
  // Files are written anew without what was left out. Throws Failure.
  void compact();
  // Both in pieces (letter_rewrite.h), of which only replace(), and what is called here, must be
  // alone with the letters. `filter`: nullptr: no more than what was left out. Throws Failure.
  LetterRewrite begin_rewrite(const LetterFilter* filter);
  std::uint64_t end_rewrite(const LetterRewrite& rewrite);
  // Letters that were removed to stay within the limits, since this was last asked.
  std::uint64_t take_removed() { return std::exchange(removed_, 0); }

  static std::string path_in(const std::string& data_dir) { return data_dir + "/dead-letters.log"; }
  // Closed ones, the oldest first.
  static std::vector<std::string> closed_in(const std::string& data_dir);

 private:
  std::uint64_t rewrite(const LetterFilter* filter);
  void open();
  Nanoseconds find_last(log::DiskLog& log,
                        std::map<std::string, std::deque<RememberedLetter>>& last) const;
  bool is_to_be_synced(std::span<const DeadLetter> letters);
  bool is_full() const;
  void close_full();
  void close();
  Nanoseconds wall() const { return clock_ ? clock_->wall() : SystemClock().wall(); }
  void keep_within_limits();

  std::string folder_;
  std::uint64_t run_;
  Reporter* reporter_;
  DeadLetterLimits limits_;
  const Clock* clock_;  // none: the system's
  ReplayedLetters replayed_;
  std::optional<log::DiskLog> log_;
  Nanoseconds first_{0};  // when the first letter of that was put
  std::uint64_t removed_ = 0;
  bool has_left_out_ = false;  // since the last rewriting began
  Nanoseconds synced_{0};
  std::set<RememberedLetter> last_;  // that were there when the file was opened
};

// Reads the letters back, oldest first, beside a running hub or without one; those that were
// replayed are not among them. Throws Failure, but not where there are none.
class DeadLetterReader {
 public:
  explicit DeadLetterReader(const std::string& data_dir);
  // What lies in closed files with numbers up to that.
  DeadLetterReader(const std::string& data_dir, std::uint64_t last_file);
  std::optional<DeadLetter> next();
  std::uint64_t unreadable() const {
    return unreadable_;
  }  // letters so far that a later version may have written
  // What is damaged of the files so far, or why one cannot be read at all: the others are read.
  const std::vector<Failure>& problems() const { return problems_; }

 private:
  void open(const std::string& path);

  std::vector<std::string> paths_;  // not yet read, the next one last
  std::optional<log::DiskLog> log_;
  log::DiskLog::ReadPosition at_;
  std::uint64_t unreadable_ = 0;
  std::vector<Failure> problems_;
  std::unordered_set<std::uint64_t> replayed_;
};

}  // namespace standpipe::deliver
