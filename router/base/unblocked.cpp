// SPDX-License-Identifier: Apache-2.0
#include "base/unblocked.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

#include "base/failure.h"

namespace standpipe {
namespace {

constexpr std::size_t kPieceBytes = 4096;  // a page: a pipe takes it whole or not at all

Fd opened_again(int fd) {
  const int append = ::fcntl(fd, F_GETFL) & O_APPEND;
  return Fd(::open(("/proc/self/fd/" + std::to_string(fd)).c_str(),
                   O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | append));
}

Unblocked::Way way_for(int fd) {
  struct stat st {};
  if (::fstat(fd, &st) != 0) return Unblocked::Way::plain;
  if (S_ISSOCK(st.st_mode)) return Unblocked::Way::send;
  if (!S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode)) return Unblocked::Way::plain;
  if (opened_again(fd)) return Unblocked::Way::own_file;
  return S_ISFIFO(st.st_mode) ? Unblocked::Way::splice : Unblocked::Way::plain;
}

}  // namespace

Unblocked::Unblocked(int fd) : Unblocked(fd, way_for(fd)) {}

Unblocked::Unblocked(int fd, Way way) : fd_(fd), way_(way) {
  if (way_ == Way::own_file) own_ = opened_again(fd);
  if (way_ == Way::own_file && !own_) way_ = Way::plain;
  if (way_ != Way::splice) return;
  try {
    pipe_ = Pipe::make(kPieceBytes);
  } catch (const Failure&) {  // no descriptors
    way_ = Way::plain;
  }
}

std::size_t Unblocked::write(std::string_view text) {
  const auto all = text.size();
  while (!text.empty()) {
    const auto n = write_some(text.substr(0, kPieceBytes));
    text.remove_prefix(n);
    if (n == 0) break;
  }
  return all - text.size();
}

std::size_t Unblocked::write_some(std::string_view text) {
  if (way_ == Way::splice) return splice_some(text);
  if (way_ == Way::plain && !has_room()) return 0;
  for (;;) {
    const auto n =
        way_ == Way::send
            ? ::send(fd_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL)
            : ::write(way_ == Way::own_file ? own_.get() : fd_, text.data(), text.size());
    if (n >= 0 || errno != EINTR) return n > 0 ? static_cast<std::size_t>(n) : 0;
  }
}

bool Unblocked::has_room() const {
  pollfd room{fd_, POLLOUT, 0};
  return ::poll(&room, 1, 0) == 1 && (room.revents & POLLOUT);
}

// Takes back what cannot be moved at once.
std::size_t Unblocked::splice_some(std::string_view text) {
  const auto in = ::write(pipe_.write_end.get(), text.data(), text.size());
  if (in <= 0) return 0;
  const auto n = ::splice(pipe_.read_end.get(), nullptr, fd_, nullptr, static_cast<std::size_t>(in),
                          SPLICE_F_NONBLOCK);
  std::array<char, kPieceBytes> rest;
  while (::read(pipe_.read_end.get(), rest.data(), rest.size()) > 0) {
  }
  return n > 0 ? static_cast<std::size_t>(n) : 0;
}

}  // namespace standpipe
