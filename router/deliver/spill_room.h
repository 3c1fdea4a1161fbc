// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/failure.h"
#include "base/fd.h"

namespace standpipe::deliver {

// Room on the disk for what a stop may have to save, taken when the stop begins: whether it is there is known before messages
// depend on it, and nobody else fills it during the drain. It is a file without a name in DATA_DIR/spill, so it is gone with the
// process, however that ends.
class SpillRoom {
 public:
  // A failure says that there is less: what is left is saved as far as it fits. A file system that cannot reserve says nothing.
  [[nodiscard]] std::optional<Failure> take(const std::string& data_dir, std::uint64_t bytes);
  // So much is about to be written.
  void give_back(std::uint64_t bytes);
  std::uint64_t bytes() const { return bytes_; }

 private:
  Fd file_;
  std::uint64_t bytes_ = 0;
};

}  // namespace standpipe::deliver
