// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "log/file_window.h"
#include "log/record_format.h"
#include "log/record_head.h"

namespace standpipe::log {

// Which bytes of a plain disk log (version 1 or 2) are whole records: those whose length stays
// within the file and whose checksum is right. Damaged ones are passed over: one flipped bit must
// not cost everything after it.
//
// A record's length leads to the next one. If the length itself is damaged, a reader searches the
// file byte by byte. An appender does not: it must not mistake the payload of a truncated record
// for a record. (Version 3 has heads that no payload can imitate: BatchFinder.)
//
// The window is borrowed. Throws Failure when the disk cannot be read. One thread.
class RecordFinder {
 public:
  struct Found {
    std::uint64_t offset = 0;
    RecordHead head;
    std::uint64_t passed = 0;  // damaged ones before it
  };

  // The file's version says whether records may have fields.
  RecordFinder(FileWindow& window, std::uint32_t version, bool searches)
      : window_(window), version_(version), searches_(searches) {}

  // The whole record at `offset`, or else the next one before `end`.
  std::optional<Found> next_whole(std::uint64_t offset, std::uint64_t end);
  // nullopt: no record can stand there, because its length is impossible or leads beyond the end.
  std::optional<RecordHead> head_at(std::uint64_t offset, std::uint64_t end);

 private:
  std::optional<Found> search(std::uint64_t offset, std::uint64_t end, std::uint64_t passed);

  FileWindow& window_;
  std::uint32_t version_;
  bool searches_;
};

}  // namespace standpipe::log
