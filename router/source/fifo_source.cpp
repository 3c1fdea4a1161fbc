// SPDX-License-Identifier: Apache-2.0
#include "source/fifo_source.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/failure.h"
#include "base/invariant.h"
#include "base/limits.h"
#include "source/create_fifo.h"

namespace standpipe::source {
namespace {

// Who has just brought so much is likely to be at it still. To ask the FIFO how much waits would
// mean to wait for a writer that is copying into it, and the next turn finds that out anyway.
constexpr std::size_t kMuch = 64 * KiB;

}  // namespace

FifoSource::FifoSource(const SourceOptions& options, std::optional<Fd> kept) : path_(options.path) {
  if (adopt(std::move(kept))) return;
  const auto request = request_of(options);
  auto prepared = prepare_fifo(request);
  fd_ = open_read_end(request, prepared.id);
  created_ = prepared.created;
  differs_ = std::move(prepared.differs);
}

FifoSource FifoSource::nothing(const SourceOptions& options) {
  auto pipe = Pipe::make(0);
  return FifoSource(options, std::move(pipe.read_end));
}

void FifoSource::prepare(const SourceOptions& options) { (void)prepare_fifo(request_of(options)); }

std::string FifoSource::place() const {
  std::array<char, 4096> path{};
  const auto length =
      ::readlink(("/proc/self/fd/" + std::to_string(fd_.get())).c_str(), path.data(), path.size());
  return length > 0 ? std::string(path.data(), static_cast<std::size_t>(length)) : std::string();
}

bool FifoSource::adopt(std::optional<Fd> kept) {
  if (!kept) return false;
  fd_ = std::move(*kept);
  return true;
}

// A splice can move less than requested because the FIFO is empty, or because the stage's slots are
// full. Only if the FIFO is seen to be empty afterwards does a later write wake epoll; and only a
// splice that moves nothing shows that the writers have gone.
After FifoSource::classify(long moved, std::size_t wanted, Until until) const {
  if (moved == 0) return After::closed;
  if (moved < 0) return After::emptied;
  const auto bytes = static_cast<std::size_t>(moved);
  if (bytes == wanted || until == Until::closed) return After::more;
  if (bytes >= kMuch && until == Until::empty) return After::more;
  return waiting() <= (until == Until::gathered ? bytes : 0) ? After::emptied : After::more;
}

bool FifoSource::has_writer() const {
  pollfd p{fd_.get(), POLLIN, 0};
  return ::poll(&p, 1, 0) < 0 || !(p.revents & POLLHUP);
}

Accepted FifoSource::splice_to(const Pipe& stage, std::size_t most, Until until) {
  long moved = 0;
  do {
    moved = ::splice(fd_.get(), nullptr, stage.write_end.get(), nullptr, most,
                     SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
  } while (moved < 0 && errno == EINTR);
  if (moved < 0 && errno != EAGAIN) return {.error = errno};
  return {static_cast<std::size_t>(moved > 0 ? moved : 0), classify(moved, most, until)};
}

// Uses large reads, because a read shorter than a packet (of a writer in packet mode) discards the
// packet's rest.
bool read_stage(const Pipe& stage, std::span<std::byte> room) {
  bool whole = true;
  while (!room.empty()) {
    const auto n = ::read(stage.read_end.get(), room.data(), room.size());
    if (n < 0 && errno == EINTR) continue;
    INVARIANT(n > 0, n, errno, room.size());
    room = room.subspan(static_cast<std::size_t>(n));
    whole &= room.empty();
  }
  return whole;
}

void discard_stage(const Pipe& stage, int dev_null) {
  while (::splice(stage.read_end.get(), nullptr, dev_null, nullptr, kStageBytes,
                  SPLICE_F_NONBLOCK) > 0 ||
         errno == EINTR) {
  }
}

}  // namespace standpipe::source
