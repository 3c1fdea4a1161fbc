// SPDX-License-Identifier: Apache-2.0
#include "records.h"

#include <fcntl.h>
#include <standpipe/wire.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <standpipe/open.hpp>

#include "common/error_text.h"

namespace {

constexpr std::size_t kReadBytes = 256 * 1024;

}  // namespace

Records::Records(std::string path, Format format, bool trust_others)
    : path_(std::move(path)), format_(format), trust_others_(trust_others) {}

void Records::open(std::uint64_t offset) {
  auto file = standpipe::paths::open_existing(
      path_, O_RDONLY | O_NONBLOCK,
      {.trust_others = trust_others_, .exception = "set trust: others"});
  if (!file) throw standpipe::disconnected(file.problem().whole());
  fd_ = common::Fd(file.release());
  struct stat status {};
  if (::fstat(fd_.get(), &status) != 0 || !S_ISREG(status.st_mode))
    throw standpipe::fatal(path_ + " is no regular file");
  size_ = static_cast<std::uint64_t>(status.st_size);
  buffer_.clear();
  used_ = 0;
  read_ = begin_ = end_ = offset;
}

void Records::close() {
  fd_ = {};
  buffer_ = {};
}

Records::Found Records::next() {
  begin_ = end_;
  return format_ == Format::frames ? next_frame() : next_line();
}

Records::Found Records::next_frame() {
  if (!has(1)) return Found::end;
  if (!has(STANDPIPE_WIRE_HEADER_BYTES)) return ends_damaged("its length is truncated");
  const auto length =
      standpipe_wire_get_length(reinterpret_cast<const std::uint8_t*>(rest().data()));
  if (length > kRecordBytesMax)
    return ends_damaged("it claims " + std::to_string(length) +
                        " bytes, so this is no file of frames from here on");
  if (!has(STANDPIPE_WIRE_HEADER_BYTES + length))
    return ends_damaged("it claims " + std::to_string(length) + " bytes, and the file ends after " +
                        std::to_string(rest().size() - STANDPIPE_WIRE_HEADER_BYTES));
  record_ = {};
  record_.payload = rest().substr(STANDPIPE_WIRE_HEADER_BYTES, length);
  use(STANDPIPE_WIRE_HEADER_BYTES + length);
  return Found::record;
}

Records::Found Records::next_line() {
  std::size_t searched = 0;
  for (;;) {
    const auto newline = rest().find('\n', searched);
    if (newline != std::string_view::npos) return line(rest().substr(0, newline), false);
    searched = rest().size();
    if (searched > kRecordBytesMax) return skip_line();
    if (read_more()) continue;
    return rest().empty() ? Found::end : line(rest(), true);
  }
}

Records::Found Records::line(std::string_view text, bool is_cut) {
  const auto bytes = text.size() + (is_cut ? 0 : 1);
  const auto why = lines_.parse(text, record_);
  if (!why.empty() && is_cut) return ends_damaged("the file ends in its middle");
  if (!why.empty()) return damaged(why, bytes);
  use(bytes);
  return Found::record;
}

// Up to the next line, without keeping it.
Records::Found Records::skip_line() {
  for (;;) {
    const auto newline = rest().find('\n');
    if (newline != std::string_view::npos) return damaged("it is longer than 64 MiB", newline + 1);
    use(rest().size());
    if (!read_more()) return ends_damaged("it is longer than 64 MiB");
  }
}

Records::Found Records::damaged(std::string_view why, std::uint64_t bytes) {
  why_ = why;
  use(bytes);
  return Found::damaged;
}

// It may be whole the next time: what writes the file was in the middle of it.
Records::Found Records::ends_damaged(std::string_view why) {
  why_ = why;
  return Found::damaged_end;
}

void Records::use(std::size_t bytes) {
  used_ += bytes;
  end_ += bytes;
}

bool Records::has(std::size_t bytes) {
  while (rest().size() < bytes)
    if (!read_more()) return false;
  return true;
}

bool Records::read_more() {
  buffer_.erase(0, used_);
  used_ = 0;
  const auto before = buffer_.size();
  buffer_.resize(before + kReadBytes);
  ssize_t got = 0;
  do got = ::pread(fd_.get(), buffer_.data() + before, kReadBytes, static_cast<off_t>(read_));
  while (got < 0 && errno == EINTR);
  buffer_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (got < 0)
    throw standpipe::disconnected("cannot read " + path_ + ": " + common::error_text(errno));
  read_ += static_cast<std::uint64_t>(got);
  return got > 0;
}
