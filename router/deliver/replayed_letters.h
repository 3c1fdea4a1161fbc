// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_set>

#include "base/failure.h"
#include "log/disk_log.h"

namespace standpipe::deliver {

// The dead letters that were replayed, and therefore count as gone though they still lie in their
// files: DATA_DIR/dead-letters-replayed.log, a disk log of their identities. So a letter costs 8
// bytes when it goes, and its file is written anew once, for all that are gone by then.
//
// It is with the kernel when add() has returned. What a failure of power takes of it may be
// replayed again.
//
// One thread at a time, but any number of readers beside it, in whatever process.
class ReplayedLetters {
 public:
  explicit ReplayedLetters(std::string data_dir) : folder_(std::move(data_dir)) {}

  [[nodiscard]] std::optional<Failure> add(std::span<const std::uint64_t> identities);
  // None of them is in any file now. Throws Failure.
  void remove();
  // The folder is another one by now.
  void reopen() { log_.reset(); }

  // Empty where there are none. Throws Failure.
  static std::unordered_set<std::uint64_t> read(const std::string& data_dir);
  static std::string path_in(const std::string& data_dir) {
    return data_dir + "/dead-letters-replayed.log";
  }

 private:
  std::string folder_;
  std::optional<log::DiskLog> log_;
};

}  // namespace standpipe::deliver
