// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/failure.h"
#include "base/fd.h"
#include "base/reporter.h"
#include "deliver/send_queue.h"
#include "keeper/link.h"
#include "state/memory.h"

namespace standpipe::deliver {

// Where an output's bytes go: a FIFO, or a file that a plugin lent; one day a socket. It has the
// keeper keep what it opened before the first byte goes there, and then `stage`
// takes the queue's bytes from the logs, and `push` moves them on to the peer. After the worker's
// death, what has moved must be found from our side alone: by what is left in the stage, or, of a
// file, by its size.
//
// The Output around it decides when to move; an endpoint decides how much, and what becomes of the
// rest when its peer has gone. One thread.
class Endpoint {
 public:
  // What it works with.
  struct Context {
    SendQueue& queue;
    state::Memory& memory;
    keeper::Link& link;
    Reporter& reporter;
    std::uint32_t index;  // its output's number
  };
  // What happened to the stage's content.
  struct Pushed {
    std::uint64_t bytes = 0;
    bool peer_gone = false;
    int error = 0;  // an errno that is no usual condition of such a peer
  };
  enum class Event { nothing, poll_soon, peer_gone };

  virtual ~Endpoint() = default;
  virtual const std::string& path() const = 0;
  virtual FileId id() const = 0;
  virtual bool created() const = 0;  // by us, just now

  // Begins; `recovered`: it recovers what an earlier worker left. The caller commits. The context
  // stays.
  virtual void attach(const Context& context, bool recovered) = 0;

  // ---- its peer
  virtual int fd() const = 0;  // for epoll, edge-triggered; -1: not open
  virtual std::uint32_t events() const { return EPOLLOUT; }
  virtual unsigned openings() const = 0;  // counts up whenever fd() is another one
  virtual bool is_open() const = 0;       // perhaps without a peer
  virtual bool is_flowing() const = 0;  // open, and its peer was there when that was looked at last
  virtual bool has_peer() const = 0;    // looks
  virtual bool has_failed() const = 0;  // it cannot be opened or written to, and that was said
  virtual bool make_ready(Nanoseconds now) = 0;  // opens what is not open; false: no peer yet
  // All that it waits for shows at fd(), or is told by its handler: no need to look for it.
  virtual bool is_announced() const { return false; }
  // Whether its handler's plugin may be called: it may want to look at the peer itself.
  virtual bool is_quiet() const { return true; }
  virtual Event on_event(std::uint32_t events) = 0;
  virtual void peer_gone(Nanoseconds now) = 0;
  // Looks for what nobody announces. Returns true when it found a new peer.
  virtual bool visit(Nanoseconds now) = 0;

  // ---- moving
  virtual bool has_more_to_move() const = 0;
  // false: not now; `retry_at` says when. A turn that was begun is ended by end_turn.
  virtual bool begin_turn(Nanoseconds now) = 0;
  virtual Nanoseconds retry_at() const = 0;
  virtual std::uint64_t stage() = 0;  // returns the bytes that found room
  virtual Pushed push() = 0;          // and commits
  // Returns when to pump again for its own sake.
  virtual std::optional<Nanoseconds> end_turn(Nanoseconds now) = 0;
  virtual bool is_in_turn() const = 0;
  // Samples what the peer has taken, and settles it. The caller commits.
  virtual void sample() = 0;
  // Drops what was staged and has not moved.
  virtual void drop_stage() = 0;
  virtual void fail(const Failure& failure) = 0;  // says it, once until it works again
};

}  // namespace standpipe::deliver
