// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <span>
#include <vector>

namespace standpipe::deliver {

// Joins small pieces before they are written: the kernel takes several times as long for each piece
// as a copy does.
class JoinBuffer {
 public:
  // Whether that pays: the first two pieces decide, because sizes alternate at worst.
  static bool is_worthwhile(std::span<const iovec> pieces);
  // About the first `most` bytes of the pieces, in one; valid until the next call.
  iovec join(std::span<const iovec> pieces, std::size_t most);

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace standpipe::deliver
