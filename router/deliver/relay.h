// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/fd.h"
#include "deliver/delivery.h"
#include "deliver/output.h"
#include "log/memory.h"

namespace standpipe::deliver {

// The fast path from one source to one output: bytes go out by reference, and only a copy of them into the log.
//
//   FIFO --splice--> stage --read--> log          all as ever: frames, index, cursors, sendings, account
//                      |
//                      +----tee----> output's stage --splice--> FIFO    instead of a copy from the log
//
// Nothing else changes. What is in an output's stage is thrown away after a death and written from the log, so the relay has
// nothing to recover; what a dead reader left unread is sent again from the log, too. Bytes lie *ahead* in the output's stage until
// their frames were found and asked for; what turns out to go another way is dropped and copied.
//
// Readers get what the writer's pages hold when they read. A writer that changes them after they were looked at would pass a frame
// that is none: by vmsplice, or by splice from a file that is then changed. So the FIFO must be writable for the hub's own user
// alone, who is trusted to do neither; what descriptors were opened earlier, or inherited, nobody can see. A writer in packet mode
// (O_DIRECT) makes packets that survive tee and splice and lose bytes in a reader that reads less: refused when seen, and before
// any of it is sent, for a packet ends each read of the stage. The last one of a read cannot be seen; so what may be the last is
// not laid.
class Relay {
 public:
  // `source`: its name; `fifo`: its read end. `delivery` is the source's only one, and its handler's.
  Relay(log::Memory& memory, const std::string& source, int fifo, const Delivery& delivery);

  // The source reads another FIFO from now on.
  void follow(int fifo) {
    fifo_ = fifo;
    look_at_mode();
  }

  // What a turn should move at most; what is more finds no room. `frame_bytes`: of the frame that was begun, if that is known.
  std::size_t most(const Output& output, std::uint64_t frame_bytes);
  // Those bytes for the log lie in the stage, and nothing else does.
  void lay(Output& output, const Pipe& stage, std::size_t bytes);
  // The stage was read into the log; `packets`: in pieces.
  void looked(Output& output, bool packets);

  // What came before is on its way: a little later more could be laid, and what comes next may as well wait in its FIFO until then.
  bool waits_for(const Output& output) const;
  // Why the general path is taken, as it was when that was looked at last.
  std::optional<std::string> refused() const;

 private:
  // What outlives the worker.
  struct Record {
    std::uint64_t packets;  // were seen
  };

  bool is_on(const Output& output) const {
    return own_ && !kept_->packets && large_ == 0 && output.is_flowing() && !output.others_write();
  }

  void look_at_mode();

  const Delivery& delivery_;
  int fifo_;
  unsigned mode_ = 0;
  bool own_ = false;
  unsigned large_ = 0;  // turns for which nothing is tried, since a frame came that is too large for a stage
  log::Kept<Record> kept_;
};

}  // namespace standpipe::deliver
