// SPDX-License-Identifier: Apache-2.0
#include "log/survey.h"

#include <algorithm>

#include "base/text.h"

namespace standpipe::log {
namespace {

constexpr std::size_t kRangesShown = 5;

std::string places_text(const Recovery& recovery) {
  std::vector<std::string> places;
  for (const auto& range : recovery.ranges) {
    if (places.size() == kRangesShown) break;
    places.push_back(counted(range.bytes, "byte") + " from byte " + thousands(range.offset) +
                     " on");
  }
  if (recovery.damaged_ranges > places.size())
    places.push_back(thousands(recovery.damaged_ranges - places.size()) + " more");
  return joined(places, ", ");
}

}  // namespace

std::string DamagedRange::text() const {
  const auto what = records > 0 ? counted(records, "record") : std::string("the head of a batch");
  return what + " (" + counted(bytes, "byte") + " from byte " + thousands(offset) + " on)";
}

std::string Recovery::text() const {
  std::vector<std::string> parts;
  if (!header.empty()) parts.push_back(header);
  if (damaged_ranges > 0)
    parts.push_back("passed over " +
                    (damaged > 0 ? counted(damaged, "damaged record")
                                 : counted(damaged_ranges, "damaged head of a batch",
                                           "damaged heads of batches")) +
                    " (" + places_text(*this) + ")");
  if (dropped_bytes > 0)
    parts.push_back("left out " + counted(dropped_bytes, "byte") + " at the end: " + reason);
  return parts.empty() ? "" : joined(parts, "; ") + " (" + counted(kept, "whole record") + ")";
}

Survey::Survey(LogWalker& walker, const FileHeader& header, std::uint64_t file_bytes)
    : end_(header.bytes()) {
  recovery_.header = header.damage;
  for (auto item = walker.next(end_, file_bytes); item; item = walker.next(item->end(), file_bytes))
    see(*item);
  see_end(walker, file_bytes);
}

// It is truncated if its batch leads beyond the file's end, or not even its batch's head is whole.
void Survey::see_end(LogWalker& walker, std::uint64_t file_bytes) {
  recovery_.dropped_bytes = file_bytes - std::min(file_bytes, end_);
  if (recovery_.dropped_bytes == 0) return;
  const bool has_head = walker.has_head(end_, file_bytes);
  recovery_.reason = has_head ? "a record's checksum is wrong" : "a record is not whole";
  if (walker.is_plain())
    recovery_.is_truncated = !has_head;
  else if (batch_.end > end_)
    recovery_.is_truncated = batch_.end > file_bytes && !pending_;
  else
    recovery_.is_truncated = recovery_.dropped_bytes < kBatchHeadBytes;
}

void Survey::see(const LogWalker::Item& item) {
  using Kind = LogWalker::Item::Kind;
  if (item.kind == Kind::batch) see_batch(item);
  if (item.kind == Kind::record) see_record(item);
  if (item.kind == Kind::damage) see_damage(item);
}

void Survey::see_batch(const LogWalker::Item& item) {
  close_batch();
  batch_ = {
      .offset = item.offset, .end = item.offset + item.batch.bytes, .records = item.batch.records};
}

void Survey::see_record(const LogWalker::Item& item) {
  if (item.offset >= batch_.end) close_batch();
  if (pending_) {
    recovery_.damaged += pending_->records;
    ++recovery_.damaged_ranges;
    if (recovery_.ranges.size() < Recovery::kRangesMax) recovery_.ranges.push_back(*pending_);
    pending_.reset();
  }
  ++recovery_.kept;
  ++batch_.seen;
  end_ = item.end();
  last_ = item;
  last_batch_ = batch_;
}

// Damage with nothing whole in between is one range.
void Survey::see_damage(const LogWalker::Item& item) {
  const auto records = item.records > 0 ? item.records : records_in_gap(item);
  if (item.records > 0) batch_.seen += item.records;
  if (!pending_) pending_ = DamagedRange{.offset = item.offset};
  pending_->bytes = item.end() - pending_->offset;
  pending_->records += records;
}

// How many records were where no head can be read, at least. A gap of a head's size where a batch
// may begin is its head.
std::uint64_t Survey::records_in_gap(const LogWalker::Item& gap) {
  if (gap.offset >= batch_.end) return gap.bytes == kBatchHeadBytes ? 0 : 1;
  if (gap.end() <= batch_.end) {
    batch_.has_gap = true;
    ++batch_.seen;
    return 1;
  }
  const auto records =
      std::max<std::uint64_t>(batch_.records - std::min(batch_.records, batch_.seen), 1);
  const auto beyond = gap.end() - batch_.end;
  batch_ = {};
  return records + (beyond == kBatchHeadBytes ? 0 : 1);
}

// Its head says how many records it had: those that nothing else tells of were in its last gap.
void Survey::close_batch() {
  if (batch_.has_gap && batch_.records > batch_.seen) {
    const auto more = batch_.records - batch_.seen;
    if (pending_) {
      pending_->records += more;
    } else {
      recovery_.damaged += more;
      if (recovery_.damaged_ranges == recovery_.ranges.size())
        recovery_.ranges.back().records += more;
    }
  }
  batch_ = {};
}

std::optional<Survey::Shortened> Survey::shortened() const {
  if (last_batch_.offset == 0 ||
      (last_batch_.end == end_ && last_batch_.records == last_batch_.seen))
    return std::nullopt;
  return Shortened{last_batch_.offset,
                   {static_cast<std::uint32_t>(end_ - last_batch_.offset),
                    static_cast<std::uint32_t>(last_batch_.seen)}};
}

}  // namespace standpipe::log
