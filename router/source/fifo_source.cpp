// SPDX-License-Identifier: Apache-2.0
#include "source/fifo_source.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
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
}

// A splice can move less than it might have because the FIFO is empty, or because the stage's slots are full. Only emptiness, seen
// after it, means that a later write wakes epoll; and only a splice that moves nothing shows that the writers have gone.
After FifoSource::classify(long moved, std::size_t wanted, bool hung_up) const {
  if (moved == 0) return After::closed;
  if (moved < 0) return After::drained;
  const bool is_short = static_cast<std::size_t>(moved) < wanted;
  return is_short && !hung_up && waiting() == 0 ? After::drained : After::more;
}

bool FifoSource::still_has_its_name() const {
  struct stat named {};
  return ::stat(path_.c_str(), &named) == 0 && FileId{named.st_dev, named.st_ino} == id();
}

bool FifoSource::has_writer() const {
  pollfd p{fd_.get(), POLLIN, 0};
  return ::poll(&p, 1, 0) < 0 || !(p.revents & POLLHUP);
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
  return {static_cast<std::size_t>(moved > 0 ? moved : 0), classify(moved, wanted, hung_up)};
}

Accepted FifoSource::discard(int dev_null, std::size_t most, bool hung_up) {
  const auto wanted = std::min(most, kStageBytes);
  long moved = 0;
  do {
    moved = ::splice(fd_.get(), nullptr, dev_null, nullptr, wanted, SPLICE_F_NONBLOCK);
  } while (moved < 0 && errno == EINTR);
  if (moved < 0 && errno != EAGAIN) throw Failure::system("read " + path_, errno);
  return {static_cast<std::size_t>(moved > 0 ? moved : 0), classify(moved, wanted, hung_up)};
}

}  // namespace standpipe::source
