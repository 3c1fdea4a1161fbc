// SPDX-License-Identifier: Apache-2.0
#include "deliver/join_buffer.h"

#include <algorithm>

namespace standpipe::deliver {
namespace {

constexpr std::size_t kPieces = 8;
constexpr std::size_t kPieceBytes = 512;

}  // namespace

bool JoinBuffer::is_worthwhile(std::span<const iovec> pieces) {
  return pieces.size() >= kPieces && pieces[0].iov_len + pieces[1].iov_len <= 2 * kPieceBytes;
}

iovec JoinBuffer::join(std::span<const iovec> pieces, std::size_t most) {
  bytes_.clear();
  for (const auto& piece : pieces) {
    if (bytes_.size() >= most) break;
    const auto* bytes = static_cast<const std::byte*>(piece.iov_base);
    bytes_.insert(bytes_.end(), bytes, bytes + std::min(piece.iov_len, most - bytes_.size()));
  }
  return {bytes_.data(), bytes_.size()};
}

}  // namespace standpipe::deliver
