// SPDX-License-Identifier: Apache-2.0
#include "log/record_finder.h"

#include <algorithm>

#include "base/limits.h"

namespace standpipe::log {
namespace {

// Read to find a record after a damaged length: what looks like one is tried.
constexpr std::uint64_t kSearchBytesMax = 4 * GiB;

}  // namespace

std::optional<RecordFinder::Found> RecordFinder::next_whole(std::uint64_t offset,
                                                            std::uint64_t end) {
  std::uint64_t passed = 0;
  for (auto head = head_at(offset, end); head; head = head_at(offset, end)) {
    if (is_whole(window_, offset, *head, end)) return Found{offset, *head, passed};
    ++passed;
    const auto next = offset + head->bytes;
    const auto after = head_at(next, end);
    const bool leads_on = next == end || (after && is_whole(window_, next, *after, end));
    if (searches_ && !leads_on) break;
    offset = next;
  }
  if (!searches_) return std::nullopt;
  return search(offset + 1, end, std::max<std::uint64_t>(passed, 1));
}

std::optional<RecordFinder::Found> RecordFinder::search(std::uint64_t offset, std::uint64_t end,
                                                        std::uint64_t passed) {
  for (auto fuel = kSearchBytesMax; offset + kPlainHeadBytes <= end && fuel > 0; ++offset) {
    const auto head = head_at(offset, end);
    if (!head || head->meta_bytes == 0 || head->meta_bytes > head->bytes - kPlainHeadBytes)
      continue;
    fuel -= std::min<std::uint64_t>(fuel, head->bytes);
    if (is_whole(window_, offset, *head, end)) return Found{offset, *head, passed};
  }
  return std::nullopt;
}

std::optional<RecordHead> RecordFinder::head_at(std::uint64_t offset, std::uint64_t end) {
  if (offset > end || end - offset < kPlainHeadBytes) return std::nullopt;
  const auto bytes = window_.view(offset, kPlainHeadBytes, end);
  RecordHead head{.bytes = number_at(bytes, 0),
                  .crc = number_at(bytes, 4),
                  .meta_bytes = number_at(bytes, 8),
                  .head_bytes = kPlainHeadBytes,
                  .crc_from = kPlainHeadBytesUnchecked};
  if (version_ >= kFieldsVersion) {
    head.has_fields = (head.meta_bytes & kHasFields) != 0;
    head.meta_bytes &= ~kHasFields;
  }
  if (head.bytes < kPlainHeadBytes || head.bytes > kRecordBytesMax || head.bytes > end - offset)
    return std::nullopt;
  return head;
}

}  // namespace standpipe::log
