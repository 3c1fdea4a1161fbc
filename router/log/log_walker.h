// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "log/file_header.h"
#include "log/file_window.h"
#include "log/record_head.h"

namespace standpipe::log {

// Goes through a disk log of any version, one thing after the other: the head of a batch, a whole
// record, or a damaged range. After damage it continues at the next thing that is sound. In a file
// with batches that is found wherever it is, because each head has the file's salt; in a plain one
// as RecordFinder does.
//
// It remembers nothing of what came before, so any offset where something stands is a place to
// begin. The descriptor is borrowed. Throws Failure when the disk cannot be read. One thread.
class LogWalker {
 public:
  struct Item {
    enum class Kind { batch, record, damage };
    Kind kind = Kind::damage;
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;    // of a batch: its head's
    std::uint64_t records = 0;  // of damage: how many, if their heads or lengths still say it
    RecordHead record = {};     // if it is one
    BatchHead batch = {};
    std::uint64_t end() const { return offset + bytes; }
  };

  // `searches`: in a plain file, also after a damaged length.
  LogWalker(std::string path, int fd, bool searches)
      : window_(std::move(path), fd), searches_(searches) {}
  void begin(const FileHeader& header);

  bool is_plain() const { return version_ < kBatchVersion; }

  // What stands at `offset`. nullopt: nothing sound is there or anywhere before `end`.
  std::optional<Item> next(std::uint64_t offset, std::uint64_t end);
  // Whether a record begins there, whole or not: its head is sound (in a plain file, may be one).
  bool has_head(std::uint64_t offset, std::uint64_t end);

  std::span<const std::byte> view(std::uint64_t offset, std::size_t bytes, std::uint64_t end) {
    return window_.view(offset, bytes, end);
  }
  FileWindow& window() { return window_; }
  void forget() { window_.forget(); }

 private:
  std::optional<Item> next_plain(std::uint64_t offset, std::uint64_t end);
  std::optional<Item> next_batched(std::uint64_t offset, std::uint64_t end);

  FileWindow window_;
  bool searches_;
  std::uint32_t version_ = kNewestVersion;
  HeadFormat format_{0};
};

}  // namespace standpipe::log
