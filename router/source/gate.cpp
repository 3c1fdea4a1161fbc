// SPDX-License-Identifier: Apache-2.0
#include "source/gate.h"

#include <fcntl.h>
#include <standpipe/wire.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "base/limits.h"
#include "source/fifo_source.h"

namespace standpipe::source {
namespace {

constexpr std::size_t kFifoDefault = 64 * KiB;
constexpr std::string_view kSealText =
    "This is no message. The hub that read this FIFO has stopped, and closed it with this page; "
    "the next one takes it out.\n";

using Page = std::array<char, kSealBytes>;

// The page is a whole frame, so that any other reader of the FIFO gets an explanation.
Page page_of(std::uint64_t id) {
  Page page{};
  std::uint8_t header[STANDPIPE_WIRE_HEADER_BYTES];
  standpipe_wire_put_length(header, kSealBytes - sizeof header);
  std::memcpy(page.data(), header, sizeof header);
  std::memcpy(page.data() + sizeof header, kSealText.data(), kSealText.size());
  std::memcpy(page.data() + sizeof header + kSealText.size(), &id, sizeof id);
  return page;
}

std::string itself(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

Fd open_to_write(int fd) {
  return Fd(::open(itself(fd).c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
}

// Only root may open a FIFO of mode 0000, not even its owner; so it is open to the owner for that
// moment. A writer that comes in meanwhile is read like all others.
Fd open_closed_to_write(int fd) {
  struct stat st {};
  if (::fstat(fd, &st) != 0 || ::fchmod(fd, S_IWUSR) != 0) return Fd();
  auto write_end = open_to_write(fd);
  (void)::fchmod(fd, st.st_mode & 07777);
  return write_end;
}

}  // namespace

// ---- the mode

bool is_closed(const std::string& path) {
  struct stat st {};
  return ::stat(path.c_str(), &st) == 0 && is_closed(st);
}

std::optional<unsigned> mode_of(int fd) {
  struct stat st {};
  if (::fstat(fd, &st) != 0 || is_closed(st)) return std::nullopt;
  return st.st_mode & 07777;
}

bool set_mode(int fd, unsigned mode) { return ::fchmod(fd, mode) == 0; }

bool open_again(const std::string& path, unsigned mode) {
  const Fd fd(::open(path.c_str(), O_PATH | O_CLOEXEC));
  struct stat st {};
  if (!fd || ::fstat(fd.get(), &st) != 0 || !is_closed(st)) return false;
  return ::chmod(itself(fd.get()).c_str(), mode) == 0;  // fchmod does not take an O_PATH descriptor
}

// ---- the seal

Seal::Seal(int fd, std::uint64_t id) : fd_(fd), id_(id), write_end_(open_to_write(fd)) {
  if (!write_end_ && errno == EACCES) write_end_ = open_closed_to_write(fd);
}

// A FIFO of one page takes our page only when it is empty, and is full then. It can be made that
// small only while one page holds its whole content; until then it is made as small as its content
// allows, so that a writer cannot refill what a turn took.
bool Seal::set() {
  if (!possible()) return false;
  const int capacity = small_ ? 0 : ::fcntl(fd_, F_GETPIPE_SZ);
  for (int size = kSealBytes; size < capacity && ::fcntl(fd_, F_SETPIPE_SZ, size) < 0;) size *= 2;
  small_ = small_ || ::fcntl(fd_, F_GETPIPE_SZ) == static_cast<int>(kSealBytes);
  const auto page = page_of(id_);
  return small_ &&
         ::write(write_end_.get(), page.data(), page.size()) == static_cast<ssize_t>(page.size());
}

std::optional<std::uint64_t> seal_of(int fd, const Pipe& stage) {
  if (bytes_waiting(fd) != kSealBytes) return std::nullopt;
  if (::tee(fd, stage.write_end.get(), kSealBytes, SPLICE_F_NONBLOCK) !=
      static_cast<ssize_t>(kSealBytes))
    return std::nullopt;
  Page found{};
  read_stage(stage, std::as_writable_bytes(std::span(found)));
  std::uint64_t id = 0;
  std::memcpy(&id, found.data() + STANDPIPE_WIRE_HEADER_BYTES + kSealText.size(), sizeof id);
  if (found != page_of(id)) return std::nullopt;
  return id;
}

void break_seal(int fd, std::size_t capacity, const Pipe& stage, int dev_null) {
  (void)!::splice(fd, nullptr, stage.write_end.get(), nullptr, kSealBytes, SPLICE_F_NONBLOCK);
  discard_stage(stage, dev_null);
  (void)grow_pipe(fd, std::max(capacity, kFifoDefault));
}

}  // namespace standpipe::source
