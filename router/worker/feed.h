// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "log/position.h"

namespace standpipe::worker {

class Intake;

// What a feed's turn left to do.
enum class Turn {
  more,   // there may be more: give it another turn
  idle,   // there is nothing now; whoever watches what it reads will tell
  full,   // the log is full: wait for a trim, or for memory
  ended,  // all was fed, for good: the feed after it has its turn
};

// What brings messages into the log of a source: a FIFO, what an earlier run left on the disk, a
// plugin, another log.
//
//   recover -> feed, feed ...           and passed, after each commit that trimmed the log
//
// How far a feed is outlives the worker, and it commits that together with what it appends. So each
// message is in the log once, whatever instruction a worker dies at. Between two calls nothing is
// pending. A turn appends about as much as one segment holds, or one larger message, so that all
// sources have their turns; it is one virtual call for all messages of that.
class Feed {
 public:
  virtual ~Feed() = default;
  // A worker before this one died: finishes what it was about, or undoes it. Before the first turn.
  virtual void recover(Intake& intake) = 0;
  virtual Turn feed(Intake& intake) = 0;
  // The acknowledgement: every handler has settled all that lies before `trimmed`, and that was
  // committed. Positions only grow, and the same one may come twice. A feed that remembers where in
  // the log its messages end can now confirm them, delete them, or give their sender new credit.
  virtual void passed(log::Position trimmed) = 0;
};

}  // namespace standpipe::worker
