// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/fd.h"
#include "deliver/delivery.h"
#include "deliver/output.h"
#include "state/persistent.h"

namespace standpipe::deliver {

// The fast path from one source to one output: bytes go out by reference, and only the log gets a
// copy.
//
//   FIFO --splice--> stage --read--> log      as always: frames, index, cursors, queue, account
//                      |
//                      +----tee----> output's stage --splice--> FIFO      instead of a log's copy
//
// Nothing else changes. What is in an output's stage is thrown away after a death and written from
// the log, so the relay has nothing to recover; what a dead reader left unread is sent again from
// the log, too. Bytes are *prefetched* into the output's stage and committed when their frames were
// found and are sent there; what turns out to go another way is dropped and copied.
//
// Readers get what the writer's pages hold when they read. A writer that changes pages after they
// were checked could pass something that is no frame: by vmsplice, or by splice from a file that is
// changed afterwards. So only the hub's own user may be allowed to write to the FIFO, and is
// trusted not to do so; descriptors that were opened earlier or inherited cannot be seen. A writer
// in packet mode (O_DIRECT) makes packets that survive tee and splice, and a reader that reads less
// loses their rest. They are refused when seen, before any of their bytes is sent, because a packet
// ends each read of the stage. The last packet of a read cannot be seen, so what may be the last is
// not prefetched.
class Relay {
 public:
  // `source`: its name; `fifo`: its read end. `delivery` is the source's only one, and its
  // handler's.
  Relay(state::Memory& memory, const std::string& source, int fifo, const Delivery& delivery);

  // The source reads another FIFO from now on.
  void follow(int fifo) {
    fifo_ = fifo;
    read_mode();
  }

  // What a turn should move at most; what is more finds no room. `frame_bytes`: of the incomplete
  // frame, if that is known.
  std::size_t most(const Output& output, std::uint64_t frame_bytes);
  // Those bytes for the log lie in the stage, and nothing else does.
  void prefetch(Output& output, const Pipe& stage, std::size_t bytes);
  // The stage was read into the log; `packets`: in pieces.
  void on_stage_read(Output& output, bool packets);

  // The bytes before are on their way: a little later more could be prefetched, and what comes next
  // may as well wait in its FIFO until then.
  bool waits_for(const Output& output) const;
  // Why the general path is taken, as it was when last checked.
  std::optional<std::string> refused() const;

 private:
  // What outlives the worker.
  struct RelayRecord {
    std::uint64_t packets;  // were seen
  };

  bool is_on(const Output& output) const {
    const auto* fifo = output.fifo();
    return own_ && !persistent_->packets && large_ == 0 && fifo->is_flowing() &&
           !fifo->others_write();
  }

  void read_mode();

  const Delivery& delivery_;
  int fifo_;
  unsigned mode_ = 0;
  bool own_ = false;
  unsigned large_ =
      0;  // turns for which nothing is tried, since a frame came that is too large for a stage
  state::Persistent<RelayRecord> persistent_;
};

}  // namespace standpipe::deliver
