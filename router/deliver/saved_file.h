// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "deliver/spill.h"
#include "log/disk_log.h"

namespace standpipe::deliver {

// A file of data_dir with messages in it, as a person sees it who has no hub at hand: a spill or an
// overflow, a segment of a handler's queue, a file of dead letters.
struct SavedFile {
  enum class Kind { spill, queue, dead_letters };
  Kind kind = Kind::spill;
  std::string path = {};
  std::string source = {};   // empty: of several
  std::string handler = {};  // of a queue
  std::uint64_t number = 0;  // they count up; of a queue: that of its first message
};

// All that are there: those in which messages wait, of each source in the order in which they are
// delivered, and then those of dead letters. Throws Failure.
std::vector<SavedFile> saved_files(const std::string& data_dir);

// The payload of its frame.
std::span<const std::byte> payload_of(const SavedMessage& message);

// Reads the messages of one, beside a hub or without one, and changes nothing. What a hub has
// delivered already and says so in the file's header is passed over. Bounded in memory: a record at
// a time. Throws Failure: the file cannot be read, or is not what its name says.
class SavedReader {
 public:
  explicit SavedReader(const SavedFile& file);
  // Of a file of dead letters there is none.
  std::optional<SavedMessage> next();

  std::string_view kind() const;  // "spill", "overflow", "queue", "dead letters"
  std::uint64_t bytes() const;
  // What of it is lost, a sentence each; empty: nothing. A truncated end is not, unless it is a
  // spill's, which is there whole or not at all: a death leaves that, or a hub is writing it.
  std::vector<std::string> damage() const;
  // That truncated end, where it is no damage: it is left out. 0: there is none.
  std::uint64_t left_out() const;
  // Of a queue's segment, when all was read: one more than the number of its last message.
  std::uint64_t after() const { return after_; }

 private:
  std::optional<SavedMessage> next_of_queue();
  bool is_whole_spill() const { return spill_ && !spill_->is_overflow(); }
  const log::Recovery& recovery() const;

  SavedFile file_;
  std::unique_ptr<SpillReader> spill_;
  std::unique_ptr<log::DiskLog> log_;
  log::DiskLog::ReadPosition at_;
  std::uint64_t after_ = 0;
  std::vector<std::string> handlers_;
};

}  // namespace standpipe::deliver
