// SPDX-License-Identifier: Apache-2.0
#include "deliver/output_fifo.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/failure.h"
#include "base/file_id.h"
#include "base/opening.h"
#include "source/create_fifo.h"
#include "source/gate.h"

namespace standpipe::deliver {

OutputFifo::OutputFifo(const plugin::FifoOutputRequest& request, std::size_t bytes, bool prepare)
    : request_{.path = request.path,
               .mode = request.mode,
               .mode_matters = request.mode_given,
               .create = request.create,
               .trust_others = request.trust_others},
      bytes_(bytes) {
  if (prepare) this->prepare();
}

void OutputFifo::prepare() {
  const auto prepared = source::prepare_fifo(request_);
  id_ = prepared.id;
  created_ = prepared.created;
  differs_ = prepared.differs;
}

bool OutputFifo::open() {
  auto opened = paths::open_existing(path(), O_WRONLY, source::rules_of(request_));
  const int error = opened.problem().error;
  if (error == ENXIO) return false;
  if (error == EACCES && source::is_closed(path()))
    return false;         // another hub's source, while that one stops
  if (error == ENOENT) {  // removed since: the next look finds the new one
    prepare();
    return false;
  }
  if (error == EACCES)
    throw Failure::system("open " + path() + " to write", error,
                          "chmod u+w " + path() + ", or run the hub as its owner");
  Fd fd = fd_of(std::move(opened));
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0 || !S_ISFIFO(st.st_mode))
    throw Failure(path() + " is not a FIFO any more", "mv " + path() + " away");
  id_ = FileId::of(st);
  open_to_others_ = (st.st_mode & (S_IWGRP | S_IWOTH)) != 0;
  capacity_ = grow_pipe(fd.get(), bytes_);
  fifo_ = std::move(fd);
  return true;
}

bool OutputFifo::make_again() {
  if (request_.create) source::prepare_fifo(request_);
  return request_.create;
}

// A pipe's write end reports POLLERR exactly while nobody has the read end open.
bool OutputFifo::has_reader() const {
  pollfd p{fifo_.get(), POLLOUT, 0};
  return ::poll(&p, 1, 0) >= 0 && !(p.revents & POLLERR);
}

// Not by its path, which may be gone or name another file by now.
Fd OutputFifo::open_to_read() const {
  return Fd(::open(("/proc/self/fd/" + std::to_string(fifo_.get())).c_str(),
                   O_RDONLY | O_NONBLOCK | O_CLOEXEC));
}

// Peeks before taking anything, because what others wrote must stay.
OutputFifo::Left OutputFifo::peek_left(
    Stage& stage, const std::function<bool(std::span<const std::byte>)>& same) {
  stage.empty();
  const auto bytes = waiting();
  if (bytes == 0) return {};
  const Fd reader = open_to_read();
  if (!reader) return {.failed = std::strerror(errno)};
  const auto seen = stage.peek(reader.get());
  if (!seen.empty() && !same(seen)) return {.foreign = true};
  return {.bytes = bytes};
}

void OutputFifo::discard(std::uint64_t most) {
  if (most == 0 || waiting() == 0) return;
  if (const Fd reader = open_to_read()) discard_from(reader.get(), most);
}

void OutputFifo::adopt(Fd fifo) {
  id_ = FileId::of(fifo.get());
  fifo_ = std::move(fifo);
  struct stat st {};
  open_to_others_ = ::fstat(fifo_.get(), &st) == 0 && (st.st_mode & (S_IWGRP | S_IWOTH)) != 0;
  capacity_ = grow_pipe(fifo_.get(), 0);
}

}  // namespace standpipe::deliver
