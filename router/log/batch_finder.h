// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "log/file_window.h"
#include "log/record_head.h"

namespace standpipe::log {

// Heads of batches and of records in a file of version 3. The window is borrowed. Throws Failure
// when the disk cannot be read.
class BatchFinder {
 public:
  BatchFinder(FileWindow& window, const HeadFormat& format) : window_(window), format_(format) {}

  std::optional<BatchHead> batch_at(std::uint64_t offset, std::uint64_t end);
  // nullopt also where the record leads beyond the end.
  std::optional<RecordHead> record_at(std::uint64_t offset, std::uint64_t end);
  // Where the next head is, of either kind, from `offset` on; `end`: nowhere. Looks at every byte.
  std::uint64_t search(std::uint64_t offset, std::uint64_t end);

 private:
  FileWindow& window_;
  const HeadFormat& format_;
};

// The salt of the first batch from `offset` on, for a file whose header does not say it.
std::optional<std::uint64_t> find_salt(FileWindow& window, std::uint64_t offset, std::uint64_t end);

}  // namespace standpipe::log
