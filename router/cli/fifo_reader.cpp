// SPDX-License-Identifier: Apache-2.0
#include "cli/fifo_reader.h"

#include <standpipe/wire.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>

#include "base/failure.h"
#include "cli/fifo_path.h"
#include "frame/length_prefixed.h"

namespace standpipe::cli {
namespace {

constexpr std::size_t kPiece = 64 * KiB;  // a FIFO's default capacity: one read empties it

}  // namespace

FifoReader::FifoReader(const Options& options)
    : exact_(options.exact),
      fd_(open_read_end(options.path, created_)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      codec_(std::make_unique<frame::LengthPrefixed>(options.payload_max)),
      buffer_(kPiece) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  if (!epoll_ || ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd_.get(), &event) != 0)
    throw Failure::system("wait for " + options.path, errno);
}

void FifoReader::awake() {
  epoll_event event{};
  (void)::epoll_wait(epoll_.get(), &event, 1, 0);
}

FifoReader::Next FifoReader::next_frame() {
  if (truncated_) {
    begin_ = end_ = 0;
    need_ = 0;
    truncated_ = false;
  }
  for (;;) {
    if (find_frame()) return Next::frame;
    if (too_large_) return Next::too_large;
    const auto n = fill();
    if (n < 0) return Next::nothing;
    if (n > 0) continue;
    if (incomplete_bytes() == 0) return Next::nothing;
    truncated_ = true;  // incomplete_bytes() and need() still tell, until the next call
    return Next::truncated;
  }
}

bool FifoReader::find_frame() {
  frame::Frame found{};
  const auto scan = codec_->scan(std::as_bytes(std::span(buffer_.data() + begin_, end_ - begin_)),
                                 std::span(&found, 1));
  need_ = scan.need;
  if (scan.frames == 0) {
    too_large_ = scan.too_large;
    claimed_ = scan.claimed;
    return false;
  }
  payload_ = {buffer_.data() + begin_ + found.payload, found.size};
  begin_ += found.end;
  return true;
}

std::size_t FifoReader::wanted() const {
  const std::uint64_t frame = need_ ? need_ : STANDPIPE_WIRE_HEADER_BYTES;
  const auto rest = static_cast<std::size_t>(frame - incomplete_bytes());
  return exact_ ? rest : std::max(rest, kPiece);
}

// Reads once. Returns the bytes, 0 when there is no writer, -1 when there is nothing now.
long FifoReader::fill() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, incomplete_bytes());
    end_ -= begin_;
    begin_ = 0;
  }
  // A claimed length is trusted only as far as bytes come: memory grows with them, twofold.
  const auto room = std::min(wanted(), std::max(end_, kPiece));
  if (buffer_.size() < end_ + room) buffer_.resize(end_ + room);
  for (;;) {
    const auto n = ::read(fd_.get(), buffer_.data() + end_, exact_ ? room : buffer_.size() - end_);
    if (n >= 0) {
      end_ += static_cast<std::size_t>(n);
      return n;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN) return -1;
    throw Failure::system("read from the FIFO", errno);
  }
}

}  // namespace standpipe::cli
