// SPDX-License-Identifier: Apache-2.0
#include "source/fifo_source.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/failure.h"
#include "base/invariant.h"
#include "base/limits.h"
#include "source/create_fifo.h"

namespace standpipe::source {

FifoSource::FifoSource(const FifoOptions& options) : path_(options.path) {
  const auto prepared = prepare_fifo({options.path, options.mode, options.owner, options.group, true});
  fd_ = open_read_end(options.path, prepared.id);
  created_ = prepared.created;
  capacity_ = grow_pipe(fd_.get(), 0);
}

// A splice that moved less than it might have has emptied the FIFO: what is written later wakes epoll again, whatever is left. That
// holds only if nothing but emptiness can have stopped it: not the stage's slots (when it has fewer than the FIFO), and no hang-up
// to be seen yet.
After FifoSource::classify(long moved, std::size_t wanted, std::size_t stage_capacity, bool hung_up) const {
  if (moved == 0) return After::closed;
  if (moved < 0) return After::drained;
  const bool stopped_by_emptiness = static_cast<std::size_t>(moved) < wanted && stage_capacity >= capacity_;
  return stopped_by_emptiness && !hung_up ? After::drained : After::more;
}

Accepted FifoSource::accept(const Pipe& stage, std::span<std::byte> room, bool hung_up) {
  const auto wanted = room.size();
  long moved = 0;
  do {
    moved = ::splice(fd_.get(), nullptr, stage.write_end.get(), nullptr, wanted, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
  } while (moved < 0 && errno == EINTR);
  if (moved < 0 && errno != EAGAIN) throw Failure::system("read " + path_, errno);
  // In large reads, because a read that is shorter than a packet (a writer in packet mode) throws the rest of it away.
  for (std::size_t copied = 0; moved > 0 && copied < static_cast<std::size_t>(moved);) {
    const auto n = ::read(stage.read_end.get(), room.data() + copied, static_cast<std::size_t>(moved) - copied);
    if (n < 0 && errno == EINTR) continue;
    INVARIANT(n > 0, n, errno, copied, moved);
    copied += static_cast<std::size_t>(n);
  }
  return {static_cast<std::size_t>(moved > 0 ? moved : 0), classify(moved, wanted, stage.capacity, hung_up)};
}

Accepted FifoSource::discard(int dev_null, bool hung_up) {
  long moved = 0;
  do {
    moved = ::splice(fd_.get(), nullptr, dev_null, nullptr, kStageBytes, SPLICE_F_NONBLOCK);
  } while (moved < 0 && errno == EINTR);
  if (moved < 0 && errno != EAGAIN) throw Failure::system("read " + path_, errno);
  return {static_cast<std::size_t>(moved > 0 ? moved : 0), classify(moved, kStageBytes, kStageBytes, hung_up)};
}

}  // namespace standpipe::source
