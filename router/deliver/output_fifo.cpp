// SPDX-License-Identifier: Apache-2.0
#include "deliver/output_fifo.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <vector>

#include "base/failure.h"
#include "base/invariant.h"
#include "base/limits.h"
#include "source/create_fifo.h"
#include "source/gate.h"

namespace standpipe::deliver {
namespace {

// From so many pieces on, if they are that small, they are joined: the first two tell, for they alternate at worst.
constexpr std::size_t kJoinPieces = 8;
constexpr std::size_t kJoinPieceBytes = 512;
constexpr std::size_t kJoinedBytes = 64 * KiB;

// Reads a non-blocking pipe until it is empty, showing each piece. Returns the bytes. `most` bounds it: others may go on writing.
std::uint64_t read_all(int fd, std::uint64_t most, const std::function<void(std::span<const std::byte>)>& show) {
  std::vector<std::byte> buffer(64 * KiB);
  std::uint64_t sum = 0;
  while (sum < most) {
    const auto n = ::read(fd, buffer.data(), std::min<std::uint64_t>(buffer.size(), most - sum));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    show({buffer.data(), static_cast<std::size_t>(n)});
    sum += static_cast<std::uint64_t>(n);
  }
  return sum;
}

}  // namespace

OutputFifo::OutputFifo(const plugin::FifoOutputRequest& request, std::size_t stage_bytes, std::size_t fifo_bytes, bool prepare)
    : path_(request.path),
      mode_(request.mode),
      create_(request.create),
      trust_others_(request.trust_others),
      stage_bytes_(stage_bytes),
      fifo_bytes_(fifo_bytes) {
  if (prepare) this->prepare();
}

void OutputFifo::prepare() {
  const auto prepared = source::prepare_fifo(request());
  id_ = prepared.id;
  created_ = prepared.created;
}

bool OutputFifo::open() {
  auto opened = paths::open_existing(path_, O_WRONLY, source::rules_of(request()));
  const int error = opened.problem().error;
  if (error == ENXIO) return false;
  if (error == EACCES && source::is_closed(path_)) return false;  // another hub's source, while that one stops
  if (error == ENOENT) {                                          // removed since: the next look finds the new one
    prepare();
    return false;
  }
  if (error == EACCES)
    throw Failure::system("open " + path_ + " to write", error, "chmod u+w " + path_ + ", or run the hub as its owner");
  Fd fd = fd_of(std::move(opened));
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0 || !S_ISFIFO(st.st_mode)) throw Failure(path_ + " is no FIFO any more", "mv " + path_ + " away");
  id_ = {st.st_dev, st.st_ino};
  open_to_others_ = (st.st_mode & (S_IWGRP | S_IWOTH)) != 0;
  capacity_ = grow_pipe(fd.get(), fifo_bytes_);
  if (!stage_.read_end) stage_ = Pipe::make(stage_bytes_);
  fifo_ = std::move(fd);
  return true;
}

void OutputFifo::close() {
  empty_stage();
  fifo_.reset();
}

bool OutputFifo::make_again() {
  if (create_) source::prepare_fifo(request());
  return create_;
}

// A pipe's write end reports POLLERR exactly while nobody has the read end open.
bool OutputFifo::has_reader() const {
  pollfd p{fifo_.get(), POLLOUT, 0};
  return ::poll(&p, 1, 0) >= 0 && !(p.revents & POLLERR);
}

// Copies small pieces together: the kernel takes several times as long over each as we do.
iovec OutputFifo::join(std::span<const iovec> pieces) {
  joined_.clear();
  for (const auto& piece : pieces) {
    const auto* bytes = static_cast<const std::byte*>(piece.iov_base);
    joined_.insert(joined_.end(), bytes, bytes + std::min(piece.iov_len, kJoinedBytes - joined_.size()));
    if (joined_.size() == kJoinedBytes) break;
  }
  return {joined_.data(), joined_.size()};
}

std::size_t OutputFifo::stage(std::span<const iovec> pieces) {
  if (pieces.empty()) return 0;
  INVARIANT(ahead_ == 0, ahead_, path_);
  iovec joined;
  if (pieces.size() >= kJoinPieces && pieces[0].iov_len + pieces[1].iov_len <= 2 * kJoinPieceBytes) {
    joined = join(pieces);
    pieces = {&joined, 1};
  }
  const auto n = ::writev(stage_.write_end.get(), pieces.data(), static_cast<int>(std::min<std::size_t>(pieces.size(), IOV_MAX)));
  if (n < 0) {
    INVARIANT(errno == EAGAIN || errno == EINTR, errno, path_);
    return 0;
  }
  staged_ += static_cast<std::uint64_t>(n);
  return static_cast<std::size_t>(n);
}

void OutputFifo::tee_ahead(const Pipe& from, std::size_t most) {
  const auto n = ::tee(from.read_end.get(), stage_.write_end.get(), most, SPLICE_F_NONBLOCK);
  if (n > 0) ahead_ += static_cast<std::uint64_t>(n);  // otherwise it is full: by its slots, if not by bytes
}

std::uint64_t OutputFifo::copy_ahead(std::span<const std::byte> bytes) {
  if (bytes.empty()) return 0;
  const auto n = ::write(stage_.write_end.get(), bytes.data(), bytes.size());
  if (n <= 0) return 0;
  ahead_ += static_cast<std::uint64_t>(n);
  return static_cast<std::uint64_t>(n);
}

void OutputFifo::claim(std::uint64_t bytes) {
  INVARIANT(bytes <= ahead_, bytes, ahead_);
  ahead_ -= bytes;
  staged_ += bytes;
}

OutputFifo::Pushed OutputFifo::push() {
  Pushed pushed;
  while (staged_ > 0) {
    const auto n = ::splice(stage_.read_end.get(), nullptr, fifo_.get(), nullptr, staged_, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EPIPE)
      pushed.reader_gone = true;
    else if (n < 0 && errno != EAGAIN)
      pushed.error = errno;
    if (n <= 0) break;
    pushed.bytes += static_cast<std::size_t>(n);
    staged_ -= static_cast<std::uint64_t>(n);
  }
  return pushed;
}

void OutputFifo::empty_stage() {
  if (stage_.read_end) read_all(stage_.read_end.get(), ~std::uint64_t{0}, [](auto) {});
  staged_ = ahead_ = 0;
}

// Not by its path: that may be gone, or name another file by now.
Fd OutputFifo::open_to_read() const {
  return Fd(::open(("/proc/self/fd/" + std::to_string(fifo_.get())).c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
}

// Look before taking: what others wrote is not ours to take away. The stage is empty and lends itself as the place for the copy.
OutputFifo::Left OutputFifo::look_at_left(const std::function<bool(std::span<const std::byte>)>& same) {
  empty_stage();
  const auto bytes = waiting();
  if (bytes == 0) return {};
  const Fd reader = open_to_read();
  if (!reader) return {.failed = std::strerror(errno)};
  const auto copied = ::tee(reader.get(), stage_.write_end.get(), INT_MAX, SPLICE_F_NONBLOCK);
  if (copied > 0) {
    std::vector<std::byte> seen;
    read_all(stage_.read_end.get(), static_cast<std::uint64_t>(copied),
             [&](auto part) { seen.insert(seen.end(), part.begin(), part.end()); });
    if (!same(seen)) return {.foreign = true};
  }
  return {.bytes = bytes};
}

void OutputFifo::drain(std::uint64_t most) {
  if (most == 0 || waiting() == 0) return;
  if (const Fd reader = open_to_read()) read_all(reader.get(), most, [](auto) {});
}

void OutputFifo::adopt(Fd fifo, Fd stage_out, Fd stage_in) {
  id_ = FileId::of(fifo.get());
  fifo_ = std::move(fifo);
  struct stat st {};
  open_to_others_ = ::fstat(fifo_.get(), &st) == 0 && (st.st_mode & (S_IWGRP | S_IWOTH)) != 0;
  capacity_ = grow_pipe(fifo_.get(), 0);
  stage_.capacity = grow_pipe(stage_in.get(), 0);
  stage_.read_end = std::move(stage_out);
  stage_.write_end = std::move(stage_in);
}

}  // namespace standpipe::deliver
