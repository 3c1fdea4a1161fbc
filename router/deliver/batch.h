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

  // Takes what comes next in the delivery and gives it out there. false: nothing there.
  bool take_next(Delivery& delivery);
  // Takes messages that are to be given again (there are some). They are open already.
  void take_again(Delivery& delivery);

  std::uint32_t count() const { return static_cast<std::uint32_t>(messages_.size()); }
  std::uint32_t attempt() const { return attempt_; }
  Delivery& delivery() const { return *delivery_; }
  standpipe_batch view() const;
  std::uint8_t* outcomes() { return outcomes_.data(); }
  std::uint8_t outcome(std::uint32_t i) const { return outcomes_[i]; }
  const standpipe_message& message(std::uint32_t i) const { return messages_[i]; }

  // Messages first .. last - 1 (not empty).
  Range range(std::uint32_t first, std::uint32_t last) const;
  std::uint64_t wire_bytes(std::uint32_t first, std::uint32_t last) const;

 private:
  void start(Delivery& delivery, std::uint32_t attempt);
  // Adds frames of the piece that end at `until` or before; false: the batch is full.
  bool add(const log::Piece& piece, log::Position until);

  std::uint32_t messages_max_;
  std::size_t bytes_max_;
  std::uint32_t attempt_ = 1;
  std::size_t bytes_ = 0;
  Delivery* delivery_ = nullptr;
  std::vector<standpipe_message> messages_;
  std::vector<log::Position> begins_, ends_;
  std::vector<std::uint8_t> outcomes_;
};

}  // namespace standpipe::deliver
