// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "deliver/delivery.h"

namespace standpipe::deliver {

// A message of a batch, from its stretch's first byte on. A segment is smaller than 4 GiB.
struct BatchFrame {
  std::uint32_t offset;  // of the payload
  std::uint32_t size;    // of the payload
};

// Consecutive messages that were accepted together, whose frames lie together in one segment. Where
// they lie is counted from the first byte of the memory of messages: an offset and no pointer, so
// that it means the same to a process that maps the memory elsewhere.
struct BatchStretch {
  std::uint32_t first;     // message of the batch
  std::uint64_t memory;    // where its first byte is
  log::Position position;  // of that byte in the log
  std::uint64_t sequence;  // of its first message; the next ones have the next ones
  std::uint64_t time_ns;   // when they were accepted
  // The block with their metadata, in memory as well, and the number that the first message has in
  // it; no bytes: they have none.
  std::uint64_t meta = 0;
  std::uint32_t meta_bytes = 0, meta_first = 0;
};

// What a plugin's place needs to make a batch's view: all of it can be handed to another process,
// which has its own `memory`.
struct BatchParts {
  std::span<const BatchFrame> frames = {};
  std::span<const BatchStretch> stretches = {};  // hold all frames, in order
  const std::byte* memory = nullptr;
  std::uint32_t attempt = 0;
  std::string_view source = {};
  std::string_view fifo = {};  // what the source reads; empty: it is none
  std::uint64_t ticket = 0;    // names the call
};

// Messages of one delivery that a plugin is called with: where they lie, no copies.
// Reused from batch to batch. Valid until what it borrows is trimmed, that is, as long as its range
// is open. BatchView makes of it what a plugin sees.
//
// Filled and settled on the loop; during a call its plugin's thread reads it, and nobody changes
// it.
class Batch {
 public:
  // At most `messages` messages and about `bytes` bytes, but at least one message.
  Batch(std::uint32_t messages, std::size_t bytes) : messages_max_(messages), bytes_max_(bytes) {}

  void limit(std::uint32_t messages) { messages_max_ = messages; }
  // Takes what comes next in the delivery and gives it out there. false: nothing there.
  bool fill_next(Delivery& delivery);
  // Takes messages that are to be redelivered (there are some). They are open already.
  void fill_redelivery(Delivery& delivery);
  // The messages of a call that was in progress when a worker died: open, and nothing between them
  // is final.
  void refill(Delivery& delivery, const Redelivery& call);

  // The call that it is given to, or was.
  void give_ticket(std::uint64_t ticket) { ticket_ = ticket; }
  std::uint64_t ticket() const { return ticket_; }

  std::uint32_t count() const { return static_cast<std::uint32_t>(frames_.size()); }
  std::uint32_t attempt() const { return redelivery_.attempt; }
  Suspicion suspect() const { return redelivery_.suspect; }
  std::uint16_t deaths() const { return redelivery_.deaths; }
  Redelivery whole() const {
    return {range(0, count()), redelivery_.attempt, redelivery_.deaths, redelivery_.suspect};
  }
  Delivery& delivery() const { return *delivery_; }
  std::span<const BatchFrame> frames() const { return frames_; }
  std::span<const BatchStretch> stretches() const { return stretches_; }
  std::uint64_t sequence(std::uint32_t i) const;
  std::uint64_t time_ns(std::uint32_t i) const { return stretch_of(i).time_ns; }
  std::span<const std::byte> payload(std::uint32_t i) const;
  std::span<const std::byte> fields(std::uint32_t i) const;  // its metadata
  // What the offsets count from, in this process.
  const std::byte* memory() const;
  BatchParts parts() const {
    return {frames_,           stretches_, memory(), attempt(), delivery_->source(),
            delivery_->fifo(), ticket_};
  }

  // Messages first .. last - 1 (not empty).
  Range range(std::uint32_t first, std::uint32_t last) const;
  std::uint64_t wire_bytes(std::uint32_t first, std::uint32_t last) const;

 private:
  void start(Delivery& delivery, const Redelivery& redelivery);
  void add_from(const Range& range);
  // Adds frames of the piece that end at `until` or before; false: the batch is full.
  bool add(const log::Piece& piece, log::Position until);
  const BatchStretch& stretch_of(std::uint32_t i) const;
  log::Position payload_position(std::uint32_t i) const;

  std::uint32_t messages_max_;
  std::size_t bytes_max_;
  Redelivery redelivery_;  // attempt and suspicion
  std::size_t bytes_ = 0;
  std::uint64_t ticket_ = 0;
  Delivery* delivery_ = nullptr;
  std::vector<BatchFrame> frames_;
  std::vector<BatchStretch> stretches_;
};

}  // namespace standpipe::deliver
