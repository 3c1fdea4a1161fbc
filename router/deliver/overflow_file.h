// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/failure.h"
#include "deliver/spill_format.h"
#include "log/disk_log.h"

namespace standpipe::deliver {

// A spill that is written while the hub runs, batch by batch, under its final name. While the run
// lives, what was committed of it is the truth, and what lies after that is cut off when it is
// opened. Without the run, all whole records count.
//
// What was handed over survives the death of all processes, and a power failure once finish or sync
// has returned.
class OverflowFile {
 public:
  // What outlives the worker; all zero but the number: nothing was handed over.
  struct End {
    std::uint64_t number = 0;  // of the file, among the source's spills
    std::uint64_t bytes = 0;
    std::uint64_t messages = 0;
    std::uint32_t lists = 0;
    std::uint32_t unused = 0;
  };

  // Throws Failure: it cannot be made, or is shorter than what was committed.
  OverflowFile(const std::string& data_dir, std::string_view source, const End& end);

  // After a failure, of any of these, it is again as it was when it was last handed over.
  [[nodiscard]] std::optional<Failure> add(std::uint64_t sequence, std::uint64_t accepted_ns,
                                           std::span<const std::string_view> handlers,
                                           std::span<const std::byte> frame,
                                           std::span<const std::byte> fields = {});
  [[nodiscard]] std::optional<Failure> hand_over();
  [[nodiscard]] std::optional<Failure> sync();
  // Nothing more comes in this run. Its last record says how many messages there are.
  [[nodiscard]] std::optional<Failure> finish();

  End end() const;  // with what was added since the last hand_over
  const std::string& path() const { return log_.path(); }

  // At most what a message takes besides its frame and its metadata, unless its list of handlers is
  // written before it: a batch's head, a record's, and what is said of it.
  static constexpr std::uint64_t kBytesAMessage =
      log::kBatchHeadBytes + log::kHeadBytes + log::kFieldsLengthBytes + 21;

 private:
  std::optional<Failure> undone(std::optional<Failure> failure);

  End handed_over_;
  std::uint64_t messages_;
  log::DiskLog log_;
  SpillLists lists_;
};

}  // namespace standpipe::deliver
