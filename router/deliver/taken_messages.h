// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <standpipe/plugin.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/limits.h"
#include "deliver/batch.h"
#include "deliver/delivery.h"
#include "state/memory.h"
#include "state/persistent_deque.h"

namespace standpipe::deliver {

// Messages of one batch that its plugin took to settle them later.
struct TakenBatch {
  std::uint64_t ticket;
  // From the first message that is taken to the last one that the plugin answered for. Some in
  // between may be settled. What is behind it may have gone back to where it was.
  Range range;
  std::uint32_t delivery;  // its id
  std::uint32_t attempt;
  std::uint32_t first;  // number of the range's first message in the batch
  std::uint32_t end;    // messages of the batch that the plugin answered for
  std::uint32_t left;   // of them that are taken
  std::uint32_t reserved;
  std::int64_t since_ns;  // steady clock
  std::uint64_t taken[kBatchMessages / 64];

  bool has(std::uint32_t i) const { return taken[i / 64] >> i % 64 & 1; }
  std::uint32_t range_end() const { return first + static_cast<std::uint32_t>(range.count); }
  bool is_whole() const { return left == range.count; }
};

// What one handler's plugin has taken, by batches, the oldest first. It lies in the memory that
// outlives the worker: those who come after claim it, since its messages are open ranges of their
// deliveries. A batch has one entry however its messages are settled, so that settling one costs
// the undo log a few lines, in whatever order that happens. The caller commits.
class TakenMessages {
 public:
  // Both together are the window: no further batch is given to a plugin that has so many. All that
  // it has can come back at once, one by one, and finds room among the redeliveries.
  static constexpr std::size_t kBatchesMax = STANDPIPE_TAKEN_BATCHES_MAX;
  static constexpr std::uint64_t kMessagesMax = STANDPIPE_TAKEN_MESSAGES_MAX;

  // Throws Memory::Damaged when what an earlier worker left cannot be.
  TakenMessages(state::Memory& memory, const std::string& handler);

  bool empty() const { return batches_.empty(); }
  std::uint64_t messages() const { return messages_; }
  // There is no room for another batch.
  bool is_full() const {
    return batches_.size() >= kBatchesMax || messages_ + kBatchMessages > kMessagesMax;
  }
  std::size_t size() const { return batches_.size(); }
  const TakenBatch& operator[](std::size_t i) const { return batches_[i]; }
  std::optional<std::size_t> find(std::uint64_t ticket) const;

  // Messages first .. last - 1 of the batch that is in a call, or was in one, of which the plugin
  // answered for `answered`, the same each time. In order.
  void add(const Batch& batch, std::uint32_t first, std::uint32_t last, std::uint32_t answered,
           Nanoseconds now);
  // The first messages in a row from number `first` of the batch on, and before `last`, that are
  // taken; as numbers.
  std::optional<std::pair<std::uint32_t, std::uint32_t>> run_in(std::size_t i, std::uint64_t first,
                                                                std::uint64_t last) const;
  // Where such a run lies.
  Range range_of(std::size_t i, Delivery& delivery, std::uint32_t first, std::uint32_t last);
  // It is not taken any more. It may have been the last one of its batch, whose entry goes.
  void settled(std::size_t i, Delivery& delivery, std::uint32_t first, std::uint32_t last);
  void clear();

 private:
  const Batch& scan(std::size_t i, Delivery& delivery);

  state::PersistentDeque<TakenBatch, 32> batches_;
  std::uint64_t messages_ = 0;
  Batch scan_{kBatchMessages, SIZE_MAX};  // the messages of a batch, of which one was settled last
  std::uint64_t scanned_ = 0;             // its ticket; 0: none
  std::uint32_t scan_first_ = 0;          // the number of its first message
};

static_assert(Redeliveries::kMax > TakenMessages::kMessagesMax + std::size_t{2} * kBatchMessages);

}  // namespace standpipe::deliver
