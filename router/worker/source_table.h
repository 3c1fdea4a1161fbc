// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "deliver/output.h"
#include "deliver/relay.h"
#include "log/log.h"
#include "worker/disk_queue.h"
#include "worker/fifo_watch.h"
#include "worker/inlet.h"
#include "worker/rate_limit.h"
#include "worker/replay.h"
#include "worker/timers.h"

namespace standpipe::worker {

// One source, and all that the loop knows of it.
struct SourceSlot {
  std::unique_ptr<Inlet> inlet;
  FifoWatch watch;
  RateLimit rate{0, 0};
  bool is_departed = false;  // the configuration no longer has it (topology.h)
  std::vector<std::unique_ptr<DiskQueue>> queues;  // on disk, for some of its handlers
  std::vector<std::unique_ptr<Replay>> replays;    // of dead letters of its
  std::vector<std::size_t> handlers;            // in the order of their bits, as the deliveries are
  std::unique_ptr<deliver::Relay> relay;        // none: its bytes cannot go on by reference
  const deliver::Output* relayed_to = nullptr;  // none: not yet
  Nanoseconds held_until{0};  // what comes waits in the FIFO until then; 0: it does not
  bool is_full = false;       // its last turn found no room
  bool is_blocked = false;    // and that is because a handler's queue is full
  bool has_dropped = false;   // what a stop could not deliver could not be saved
  bool is_ending = false;     // it is closed as soon as what is in its FIFO was read
};

// All sources, by their numbers, and which of them want something of the next round:
//
//   ready   a turn, for its FIFO may have something and its log may have room
//   held    what comes is left in the FIFO for the relay, until its output has moved on
//   dirty   to be trimmed, for messages of it became final
class SourceTable {
 public:
  SourceSlot& add(std::unique_ptr<Inlet> inlet, FifoWatch watch);

  std::size_t size() const { return slots_.size(); }
  SourceSlot& operator[](std::size_t source) { return slots_[source]; }
  const SourceSlot& operator[](std::size_t source) const { return slots_[source]; }
  auto begin() { return slots_.begin(); }
  auto end() { return slots_.end(); }
  auto begin() const { return slots_.begin(); }
  auto end() const { return slots_.end(); }
  // Messages of that source lie in another log, too.
  void add_log(const log::Log& log, std::size_t source) { number_of_[&log] = source; }
  // The one whose log that is.
  std::size_t number_of(const log::Log& log) const { return number_of_.at(&log); }
  SourceSlot& of(const deliver::Delivery& delivery) { return slots_[number_of(delivery.log())]; }
  const SourceSlot& of(const deliver::Delivery& delivery) const {
    return slots_[number_of(delivery.log())];
  }

  Ready& ready() { return ready_; }
  Ready& held() { return held_; }
  Ready& dirty() { return dirty_; }
  bool has_work() const { return !ready_.empty() || !dirty_.empty(); }
  void want_turns();

  // Gives back what everybody has passed. Full sources that have room again are ready; those
  // that have not are returned: they are stuck after somebody.
  const std::vector<std::size_t>& trim();
  // The arena got memory back so often: if that is more than before, those that wait are ready.
  void retry_for_memory(std::uint64_t releases);
  // Bits of the handlers for which messages of that source came since this was last asked. Valid
  // until it is asked again.
  const std::vector<std::size_t>& collect_news(std::size_t source);

 private:
  std::vector<SourceSlot> slots_;
  std::map<const log::Log*, std::size_t> number_of_;
  Ready ready_, held_, dirty_;
  std::vector<std::size_t> stuck_, news_;
  std::uint64_t releases_ = 0;
};

}  // namespace standpipe::worker
