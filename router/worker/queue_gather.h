// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "deliver/delivery.h"
#include "log/log.h"
#include "worker/queue_writer.h"

namespace standpipe::worker {

// What goes to a queue's files next: the messages of a delivery that are in nobody's hands, in
// order, as runs that lie in its log. A run is taken as a whole and not looked into, unless a limit
// ends inside it or its messages have metadata: so what a message costs the loop does not depend
// on how many there are.
class QueueGather {
 public:
  // What a message takes in a file besides its frame, at most.
  static constexpr std::uint64_t kRecordBytes = 64;
  struct Limits {
    std::uint64_t messages = 0, bytes = 0;  // room in the queue
    std::uint64_t batch_bytes = 0;          // of what is written together; a message may be larger
    bool lets_one_in = false;               // whatever room there is: the queue is empty
  };

  // The first message has that number in the queue.
  QueueGather(const deliver::Delivery& from, std::uint64_t number, const Limits& limits);

  std::vector<QueueWriter::Run> take_runs() { return std::move(runs_); }
  std::uint64_t messages() const { return messages_; }
  std::uint64_t bytes() const { return bytes_; }  // in files, at most
  log::Cursor end() const { return end_; }        // after the last message; valid if there are any

 private:
  bool gather(log::Cursor begin, log::Cursor end);
  bool take(const log::Piece& piece);
  bool take_first(const log::Piece& piece);
  bool take_described(const log::Piece& piece);
  bool fits(std::uint64_t messages, std::uint64_t bytes) const;
  void add(const log::Piece& piece, std::span<const std::byte> fields);

  const deliver::Delivery& from_;
  std::uint64_t number_;
  Limits limits_;
  std::vector<QueueWriter::Run> runs_;
  std::uint64_t messages_ = 0, bytes_ = 0;
  log::Cursor end_;
};

}  // namespace standpipe::worker
