// SPDX-License-Identifier: Apache-2.0
#include "log/batch_finder.h"

#include <algorithm>
#include <span>

namespace standpipe::log {
namespace {

// Tries every place from `offset` on, a window at a time, with what lies there (at least
// `head_bytes`, unless the file ends before). Returns the first that fits; `end`: none does.
template <typename Fits>
std::uint64_t first_fit(FileWindow& window, std::uint64_t offset, std::uint64_t end,
                        const Fits& fits) {
  while (offset < end) {
    const auto piece =
        window.view(offset, std::min<std::uint64_t>(end - offset, FileWindow::kBytes), end);
    const bool is_last = offset + piece.size() == end;
    const auto tries = is_last ? piece.size() : piece.size() - kBatchHeadBytes + 1;
    for (std::size_t i = 0; i < tries; ++i)
      if (fits(piece.subspan(i), offset + i)) return offset + i;
    offset += tries;
  }
  return end;
}

}  // namespace

std::optional<BatchHead> BatchFinder::batch_at(std::uint64_t offset, std::uint64_t end) {
  if (offset > end || end - offset < kBatchHeadBytes) return std::nullopt;
  return format_.read_batch(window_.view(offset, kBatchHeadBytes, end), offset);
}

std::optional<RecordHead> BatchFinder::record_at(std::uint64_t offset, std::uint64_t end) {
  if (offset > end || end - offset < kHeadBytes) return std::nullopt;
  auto head = format_.read_record(window_.view(offset, kHeadBytes, end), offset);
  return head && head->bytes <= end - offset ? head : std::nullopt;
}

std::uint64_t BatchFinder::search(std::uint64_t offset, std::uint64_t end) {
  return first_fit(window_, offset, end, [&](auto bytes, std::uint64_t at) {
    if (format_.read_batch(bytes, at)) return true;
    const auto head = format_.read_record(bytes, at);
    return head && head->bytes <= end - at;
  });
}

std::optional<std::uint64_t> find_salt(FileWindow& window, std::uint64_t offset,
                                       std::uint64_t end) {
  std::optional<std::uint64_t> salt;
  first_fit(window, offset, end, [&](auto bytes, std::uint64_t at) {
    salt = HeadFormat::salt_of(bytes, at);
    return salt.has_value();
  });
  return salt;
}

}  // namespace standpipe::log
