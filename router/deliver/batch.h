// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <standpipe/plugin.h>

#include <cstdint>
#include <vector>

#include "deliver/delivery.h"

namespace standpipe::deliver {

// Messages of one delivery as a handler sees them: views into the log, no copies. Reused from batch to batch.
// Valid until what it borrows is trimmed, that is, as long as its range is open.
class Batch {
 public:
  // At most `messages` messages and about `bytes` bytes, but at least one message.
  Batch(std::uint32_t messages, std::size_t bytes) : messages_max_(messages), bytes_max_(bytes) {}

  void limit(std::uint32_t messages) { messages_max_ = messages; }
  // Takes what comes next in the delivery and gives it out there. false: nothing there.
  bool take_next(Delivery& delivery);
  // Takes messages that are to be given again (there are some). They are open already.
  void take_again(Delivery& delivery);
  // The messages of a call that was in progress when a worker died: open, and nothing between them is final.
  void take_same(Delivery& delivery, const Again& call);

  std::uint32_t count() const { return static_cast<std::uint32_t>(messages_.size()); }
  std::uint32_t attempt() const { return again_.attempt; }
  Suspicion suspect() const { return again_.suspect; }
  std::uint16_t deaths() const { return again_.deaths; }
  Again whole() const { return {range(0, count()), again_.attempt, again_.deaths, again_.suspect}; }
  Delivery& delivery() const { return *delivery_; }
  standpipe_batch view() const;
  const standpipe_message& message(std::uint32_t i) const { return messages_[i]; }

  // Messages first .. last - 1 (not empty).
  Range range(std::uint32_t first, std::uint32_t last) const;
  std::uint64_t wire_bytes(std::uint32_t first, std::uint32_t last) const;

 private:
  void start(Delivery& delivery, const Again& again);
  void resize(std::size_t count);
  void add_from(const Range& range);
  // Adds frames of the piece that end at `until` or before; false: the batch is full.
  bool add(const log::Piece& piece, log::Position until);

  std::uint32_t messages_max_;
  std::size_t bytes_max_;
  Again again_;  // attempt and suspicion
  std::size_t bytes_ = 0;
  Delivery* delivery_ = nullptr;
  std::vector<standpipe_message> messages_;
  std::vector<log::Position> begins_, ends_;
};

}  // namespace standpipe::deliver
