// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/failure.h"
#include "base/fd.h"

namespace standpipe::deliver {

// Disk space for what a stop may have to save, reserved when the stop begins: so it is known in
// time whether there is enough, and nobody else fills it during the drain. It is an unnamed file in
// DATA_DIR/spill, so it goes with the process, however that ends.
class SpillRoom {
 public:
  // A failure means that there is less room: what is left is saved as far as it fits. A file system
  // that cannot reserve reports no failure.
  [[nodiscard]] std::optional<Failure> reserve(const std::string& data_dir, std::uint64_t bytes);
  // So much is about to be written.
  void give_back(std::uint64_t bytes);
  std::uint64_t bytes() const { return bytes_; }

 private:
  Fd file_;
  std::uint64_t bytes_ = 0;
};

}  // namespace standpipe::deliver
