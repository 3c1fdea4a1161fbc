// SPDX-License-Identifier: Apache-2.0
#include "state/undo_log.h"

#include <algorithm>
#include <cstring>

#include "base/in_order.h"
#include "base/invariant.h"
#include "state/damaged.h"

namespace standpipe::state {

void UndoLog::save(std::uint64_t line) {
  auto& seen = seen_[line % seen_.size()];
  if (seen.transaction == transaction_) {
    if (displaced_.contains(line)) return;
    displaced_.insert(seen.line);
  }
  INVARIANT(*used_ + sizeof(Entry) <= entries_.size(), *used_);
  auto& entry = *reinterpret_cast<Entry*>(entries_.data() + *used_);
  entry.line = line;
  std::memcpy(entry.bytes, memory_ + line * kLine, kLine);
  store_in_order(*used_, std::uint64_t{*used_ + sizeof(Entry)});
  seen = {line, transaction_};
#ifndef NDEBUG
  logged_.push_back(line);
#endif
}

void UndoLog::commit() {
  ++transaction_;
  if (pending()) store_in_order(*used_, std::uint64_t{0});
  if (!displaced_.empty()) displaced_.clear();
#ifndef NDEBUG
  logged_.clear();
#endif
}

// From the last entry to the first: of a line that an older version saved twice, the first entry
// has what was committed.
void UndoLog::roll_back(const std::function<bool(std::uint64_t offset)>& may_change) {
  if (*used_ > entries_.size() || *used_ % sizeof(Entry) != 0)
    throw Damaged("its undo log has no end");
  for (auto at = *used_; at > 0;) {
    at -= sizeof(Entry);
    const auto& entry = *reinterpret_cast<const Entry*>(entries_.data() + at);
    if (entry.line > ~std::uint64_t{0} / kLine || !may_change(entry.line * kLine))
      throw Damaged("its undo log points to what never changes");
    std::memcpy(memory_ + entry.line * kLine, entry.bytes, kLine);
  }
  store_in_order(*used_, std::uint64_t{0});
}

#ifndef NDEBUG
bool UndoLog::has_logged(std::uint64_t line) const {
  return std::find(logged_.begin(), logged_.end(), line) != logged_.end();
}
#endif

}  // namespace standpipe::state
