// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "deliver/spill_format.h"
#include "log/disk_log.h"

// When a hub stops, what waits in memory goes to the disk, one file a source, and the next start
// serves it. The frames are exactly those of the wire, each with the handlers that still want it.
//
// A spill is there whole or not at all: it is written under another name (.tmp) and renamed when it
// is on the disk. Several of one source are served in the order of their numbers, because a hub may
// end again before it has served the last one.
namespace standpipe::deliver {

class SpillWriter {
 public:
  // Begins a spill of that source after those that are there. Throws Failure.
  SpillWriter(const std::string& data_dir, std::string_view source);
  ~SpillWriter();  // what was not finished is gone
  SpillWriter(const SpillWriter&) = delete;
  SpillWriter& operator=(const SpillWriter&) = delete;

  // In the order of the sequences; `fields`: the message's metadata. After a failure the spill is
  // of no use.
  [[nodiscard]] std::optional<Failure> add(std::uint64_t sequence, std::uint64_t accepted_ns,
                                           std::span<const std::string_view> handlers,
                                           std::span<const std::span<const std::byte>> frame,
                                           std::span<const std::byte> fields = {});
  [[nodiscard]] std::optional<Failure> finish();

  std::uint64_t messages() const { return messages_; }
  std::uint64_t bytes() const { return log_.bytes(); }
  const std::string& path() const { return path_; }  // its name when it is finished

 private:
  std::string path_;
  log::DiskLog log_;
  SpillLists lists_;
  std::uint64_t messages_ = 0;
  bool is_finished_ = false;
};

// A message that was read of a file; valid until the next one.
struct SavedMessage {
  std::uint64_t sequence = 0;
  std::uint64_t accepted_ns = 0;
  std::span<const std::string> handlers = {};
  std::span<const std::byte> frame = {};
  std::span<const std::byte> fields = {};  // its metadata (log/meta_block.h), which makes sense
};

class SpillReader {
 public:
  // The spills of a source, in the order in which they are to be served.
  static std::vector<std::string> find(const std::string& data_dir, std::string_view source);
  // All sources that have one, sorted; also those that the configuration no longer has.
  static std::vector<std::string> sources(const std::string& data_dir);

  // Of one that find() gave: they count up.
  static std::uint64_t number_of(const std::string& path);
  // The number after those that are there, whose folder is made; and the path of a number. Throws
  // Failure.
  static std::uint64_t next_number(const std::string& data_dir, std::string_view source);
  static std::string path_of(const std::string& data_dir, std::string_view source,
                             std::uint64_t number);

  explicit SpillReader(const std::string& path);  // throws Failure
  // Throws Failure when the disk cannot be read.
  std::optional<SavedMessage> next();
  // After the last one: what of the spill could not be read, for people; empty when all came.
  std::string damage() const;
  bool is_damaged() const;
  bool is_overflow() const { return is_overflow_; }
  const log::DiskLog::Recovery& recovery() const { return log_.recovery(); }
  // The first so many were delivered by an earlier run that could not write what was left to
  // another file: they are not redelivered.
  std::uint64_t served() const { return log_.done(); }
  [[nodiscard]] static std::optional<Failure> set_served(const std::string& path,
                                                         std::uint64_t messages);
  std::uint64_t messages() const { return messages_; }  // that came so far, and that were served
  const std::optional<std::uint64_t>& written() const {
    return written_;
  }  // messages in all; empty: its end is lost
  const std::string& path() const { return log_.path(); }
  [[nodiscard]] std::optional<Failure> remove() { return log_.remove(); }

 private:
  bool read_list(const log::DiskLog::Record& record);
  bool find_list(std::uint32_t number);

  log::DiskLog log_;
  log::DiskLog::ReadPosition at_;
  std::unordered_map<std::uint32_t, std::vector<std::string>> lists_;
  std::unordered_set<std::uint32_t> lost_lists_;
  std::uint64_t messages_ = 0;
  std::optional<std::uint64_t> written_;  // messages, as its last record says
  bool is_overflow_ = false;
};

}  // namespace standpipe::deliver
