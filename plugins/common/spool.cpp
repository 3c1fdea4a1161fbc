// SPDX-License-Identifier: Apache-2.0
#include "common/spool.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

namespace common {
namespace {

// Standard output may be non-blocking: whoever shares its terminal or pipe can have made it so.
void wait_for_room(int fd) {
  pollfd wanted{fd, POLLOUT, 0};
  ::poll(&wanted, 1, -1);
}

}  // namespace

Spool::Spool() : buffer_(std::make_unique<char[]>(kBytes)) {}

void Spool::begin(int fd) {
  fd_ = fd;
  used_ = 0;
  ends_.clear();
  accepted_ = written_ = whole_ = 0;
  records_written_ = 0;
}

void Spool::append_by_flushing(std::string_view bytes) {
  flush();
  if (bytes.size() <= kBytes) return append(bytes);
  accepted_ += bytes.size();
  write_out(bytes);
}

void Spool::end_record() {
  ends_.push_back(accepted_);
  settle_records();
}

void Spool::flush() {
  write_out({buffer_.get(), used_});
  used_ = 0;
}

void Spool::write_out(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::write(fd_, bytes.data(), bytes.size());
    if (n > 0) {
      written_ += static_cast<std::uint64_t>(n);
      bytes.remove_prefix(static_cast<std::size_t>(n));
      settle_records();
    } else if (n == 0 || errno == EAGAIN) {
      wait_for_room(fd_);
    } else if (errno != EINTR) {
      throw WriteFailed{errno};
    }
  }
}

void Spool::settle_records() {
  while (records_written_ < ends_.size() && ends_[records_written_] <= written_)
    whole_ = ends_[records_written_++];
}

}  // namespace common
