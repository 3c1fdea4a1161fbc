// SPDX-License-Identifier: Apache-2.0
#include "deliver/stage.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <utility>

#include "base/invariant.h"
#include "base/limits.h"

namespace standpipe::deliver {
namespace {

constexpr std::size_t kJoinedBytes = 64 * KiB;
constexpr std::size_t kReadBytes = 64 * KiB;

// Returns 0 when the pipe is empty, or cannot be read.
std::size_t read_some(int fd, std::span<std::byte> into) {
  for (;;) {
    const auto n = ::read(fd, into.data(), into.size());
    if (n < 0 && errno == EINTR) continue;
    return n > 0 ? static_cast<std::size_t>(n) : 0;
  }
}

}  // namespace

void discard_from(int fd, std::uint64_t most) {
  std::vector<std::byte> buffer(kReadBytes);
  while (most > 0) {
    const auto n =
        read_some(fd, std::span(buffer).first(std::min<std::uint64_t>(most, kReadBytes)));
    if (n == 0) return;
    most -= n;
  }
}

void Stage::make() {
  if (!pipe_.read_end) pipe_ = Pipe::make(wanted_);
}

void Stage::adopt(Fd read_end, Fd write_end) {
  pipe_.capacity = grow_pipe(write_end.get(), 0);
  pipe_.read_end = std::move(read_end);
  pipe_.write_end = std::move(write_end);
}

std::size_t Stage::add(std::span<const iovec> pieces) {
  if (pieces.empty()) return 0;
  INVARIANT(prefetched_ == 0, prefetched_);
  iovec joined;
  if (JoinBuffer::is_worthwhile(pieces)) {
    joined = join_.join(pieces, kJoinedBytes);
    pieces = {&joined, 1};
  }
  const auto n = ::writev(write_end(), pieces.data(),
                          static_cast<int>(std::min<std::size_t>(pieces.size(), IOV_MAX)));
  if (n < 0) {
    INVARIANT(errno == EAGAIN || errno == EINTR, errno, write_end());
    return 0;
  }
  staged_ += static_cast<std::uint64_t>(n);
  return static_cast<std::size_t>(n);
}

// When nothing moves, it is full: by its slots, if not by bytes.
void Stage::prefetch(const Pipe& from, std::size_t most) {
  const auto n = ::tee(from.read_end.get(), write_end(), most, SPLICE_F_NONBLOCK);
  if (n > 0) prefetched_ += static_cast<std::uint64_t>(n);
}

std::uint64_t Stage::prefetch_copy(std::span<const std::byte> bytes) {
  if (bytes.empty()) return 0;
  const auto n = ::write(write_end(), bytes.data(), bytes.size());
  if (n <= 0) return 0;
  prefetched_ += static_cast<std::uint64_t>(n);
  return static_cast<std::uint64_t>(n);
}

void Stage::commit(std::uint64_t bytes) {
  INVARIANT(bytes <= prefetched_, bytes, prefetched_);
  prefetched_ -= bytes;
  staged_ += bytes;
}

Stage::Pushed Stage::push_to(int fifo) {
  Pushed pushed;
  while (staged_ > 0) {
    const auto n =
        ::splice(read_end(), nullptr, fifo, nullptr, staged_, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EPIPE)
      pushed.reader_gone = true;
    else if (n < 0 && errno != EAGAIN)
      pushed.error = errno;
    if (n <= 0) break;
    pushed.bytes += static_cast<std::uint64_t>(n);
    staged_ -= static_cast<std::uint64_t>(n);
  }
  return pushed;
}

void Stage::empty() {
  if (pipe_.read_end) discard_from(read_end(), ~std::uint64_t{0});
  staged_ = prefetched_ = 0;
}

std::vector<std::byte> Stage::peek(int from) {
  INVARIANT(staged_ + prefetched_ == 0, staged_, prefetched_);
  const auto copied = ::tee(from, write_end(), INT_MAX, SPLICE_F_NONBLOCK);
  std::vector<std::byte> seen(copied > 0 ? static_cast<std::size_t>(copied) : 0);
  std::size_t done = 0;
  while (done < seen.size()) {
    const auto n = read_some(read_end(), std::span(seen).subspan(done));
    if (n == 0) break;  // cannot be: nobody else reads here
    done += n;
  }
  seen.resize(done);
  return seen;
}

}  // namespace standpipe::deliver
