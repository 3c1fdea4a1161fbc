// SPDX-License-Identifier: Apache-2.0
#include "log/log_walker.h"

#include "log/batch_finder.h"
#include "log/record_finder.h"

namespace standpipe::log {

void LogWalker::begin(const FileHeader& header) {
  version_ = header.version;
  format_ = HeadFormat(header.salt);
}

std::optional<LogWalker::Item> LogWalker::next(std::uint64_t offset, std::uint64_t end) {
  return is_plain() ? next_plain(offset, end) : next_batched(offset, end);
}

bool LogWalker::has_head(std::uint64_t offset, std::uint64_t end) {
  if (is_plain())
    return RecordFinder(window_, version_, searches_).head_at(offset, end).has_value();
  BatchFinder finder(window_, format_);
  if (finder.batch_at(offset, end)) offset += kBatchHeadBytes;
  return finder.record_at(offset, end).has_value();
}

std::optional<LogWalker::Item> LogWalker::next_plain(std::uint64_t offset, std::uint64_t end) {
  const auto found = RecordFinder(window_, version_, searches_).next_whole(offset, end);
  if (!found) return std::nullopt;
  if (found->offset > offset)
    return Item{.offset = offset, .bytes = found->offset - offset, .records = found->passed};
  return Item{.kind = Item::Kind::record,
              .offset = offset,
              .bytes = found->head.bytes,
              .records = 1,
              .record = found->head};
}

std::optional<LogWalker::Item> LogWalker::next_batched(std::uint64_t offset, std::uint64_t end) {
  BatchFinder finder(window_, format_);
  if (const auto batch = finder.batch_at(offset, end))
    return Item{.kind = Item::Kind::batch,
                .offset = offset,
                .bytes = kBatchHeadBytes,
                .records = batch->records,
                .batch = *batch};
  if (const auto record = finder.record_at(offset, end)) {
    Item item{.offset = offset, .bytes = record->bytes, .records = 1, .record = *record};
    if (is_whole(window_, offset, *record, end)) item.kind = Item::Kind::record;
    return item;
  }
  if (offset >= end) return std::nullopt;
  const auto next = finder.search(offset + 1, end);
  if (next == end) return std::nullopt;
  return Item{.offset = offset, .bytes = next - offset};
}

}  // namespace standpipe::log
