// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "log/position.h"
#include "state/persistent.h"
#include "worker/feed.h"
#include "worker/intake.h"
#include "worker/raw_log.h"

namespace standpipe::worker {

// The feed of a source whose framing is not the one inside: it reads whole frames of the source's
// codec out of a raw log and appends them to the source's log with the framing that is in all logs
// that handlers read. One copy, which is paid here and nowhere else: deliveries, batches and
// outputs never see a foreign codec.
//
// Where it is in the raw log and what it appended are one commit, so each message is in the log
// once. The raw log is trimmed after that commit. Accept times go with the messages.
//
// No configuration makes one yet.
class Reframer final : public Feed {
 public:
  // The raw log must outlive it. Throws state::Memory::Damaged when what an earlier worker left
  // cannot be.
  Reframer(RawLog& raw, Intake& intake);

  void recover(Intake& intake) override;
  // idle: all that the raw log has was fed.
  Turn feed(Intake& intake) override;
  void passed(log::Position) override {}  // the raw log holds nothing that the log has

  // Frames that the source's codec allows and the one inside does not: too large. They are passed
  // over.
  std::uint64_t refused() const { return state_->refused; }

 private:
  // What outlives the worker.
  struct State {
    log::Cursor next;       // in the raw log
    std::uint64_t time_ns;  // when the messages were accepted that are behind the end of the log,
                            // not indexed yet
    std::uint64_t refused;
  };

  Turn feed_turn(Intake& intake);
  Turn feed_piece(Intake& intake, const log::Piece& piece);
  Turn index(Intake& intake) const;

  RawLog& raw_;
  state::Persistent<State> state_;
};

}  // namespace standpipe::worker
