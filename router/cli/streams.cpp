// SPDX-License-Identifier: Apache-2.0
#include "cli/streams.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/clock.h"
#include "base/failure.h"

namespace standpipe::cli {
namespace {

constexpr int kForever = -1;
constexpr int kStandStillMs = kStandStillMost / std::chrono::milliseconds(1);

// Standard streams may be non-blocking: they are shared with whoever else has the terminal.
// Returns 0 or errno; ETIMEDOUT: nothing moved for as long as there was patience.
int write_all(int fd, std::string_view bytes, int patience_ms) {
  while (!bytes.empty()) {
    if (patience_ms != kForever) {
      pollfd room{fd, POLLOUT, 0};
      if (::poll(&room, 1, patience_ms) == 0) return ETIMEDOUT;
    }
    const auto piece =
        patience_ms == kForever ? bytes : bytes.substr(0, 4096);  // what poll promised not to block
    const auto n = ::write(fd, piece.data(), piece.size());
    if (n > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
      continue;
    }
    if (n < 0 && errno == EAGAIN) {
      pollfd room{fd, POLLOUT, 0};
      if (::poll(&room, 1, patience_ms) == 0) return ETIMEDOUT;
      continue;
    }
    if (n < 0 && errno != EINTR) return errno;
  }
  return 0;
}

}  // namespace

int write_while_it_moves(int fd, std::string_view bytes) {
  return write_all(fd, bytes, kStandStillMs);
}

StandardOutput::StandardOutput(int fd) : fd_(fd), is_terminal_(::isatty(fd) == 1) {}

void StandardOutput::write(std::string_view bytes) {
  if (buffer_.size() + bytes.size() > kBytes) flush();
  if (bytes.size() >= kBytes) return put(bytes, kForever);
  buffer_ += bytes;
}

void StandardOutput::flush() {
  const auto bytes = std::exchange(buffer_, {});  // gone even if it fails: once is enough to say it
  put(bytes, kForever);
}

void StandardOutput::flush_while_it_moves() {
  const auto bytes = std::exchange(buffer_, {});
  put(bytes, kStandStillMs);
}

void StandardOutput::put(std::string_view bytes, int patience_ms) {
  const int error = write_all(fd_, bytes, patience_ms);
  if (error == EPIPE) reader_left();
  if (error == EBADF) throw Failure("cannot write to standard output: it is closed");
  if (error) throw Failure::system("write to standard output", error);
}

void StandardOutput::reader_left() const {
  throw Failure("cannot write to standard output: nobody reads it any more");
}

StandardError::StandardError(int fd)
    : fd_(fd), is_terminal_(::isatty(fd) == 1), colour_(wants_colour(fd)) {}

void StandardError::say(const Diagnostic& d) {
  print(log_entry(d, format_, colour_, SystemClock().wall()));
}

void StandardError::print(std::string_view text) { write(text, patience_ms_); }
void StandardError::print_if_it_moves(std::string_view text) { write(text, kPatienceMs); }
void StandardError::write(std::string_view text, int patience_ms) {
  (void)write_all(fd_, text, patience_ms);
}

void keep_standard_streams() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
    (void)::open("/dev/null", fd == STDIN_FILENO
                                  ? O_WRONLY
                                  : O_RDONLY);  // takes the lowest number that is free: this one
  }
}

}  // namespace standpipe::cli
