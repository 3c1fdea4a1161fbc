// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace common {

// What a write failed with. The Spool that threw it knows how far it came.
struct WriteFailed {
  int error;  // errno
};

// Records on their way into a descriptor, gathered so that a batch costs few system calls, and
// counted so that a failure in the middle says which records are out: those must not be repeated,
// and the rest must not be lost. A record may be larger than the buffer: it then goes out in
// pieces, so memory stays bounded whatever the message.
//
// The descriptor is borrowed. Use: begin, then for each record append... and end_record, then
// flush.
//   bytes:  whole <= written <= accepted
class Spool {
 public:
  static constexpr std::size_t kBytes =
      256 * 1024;  // far beyond where a system call's cost shows; still in a core's cache

  Spool();
  void begin(int fd);
  // These may write, and throw WriteFailed. After that only the counts below mean anything, until
  // begin.
  void append(std::string_view bytes) {
    if (bytes.size() > room_left()) return append_by_flushing(bytes);
    std::copy(bytes.begin(), bytes.end(), end());
    took(bytes.size());
  }
  void flush();
  // Room for `most` bytes, at most kBytes, which the caller fills; `wrote` says up to where it did.
  char* room(std::size_t most) {
    if (most > room_left()) flush();
    return end();
  }
  void wrote(const char* to) { took(static_cast<std::size_t>(to - end())); }
  void end_record();

  std::uint64_t accepted() const { return accepted_; }  // bytes
  std::uint64_t written() const { return written_; }    // bytes that the kernel took
  std::uint64_t incomplete() const {
    return written_ - whole_;
  }  // those of them that belong to a record which is not all out
  std::size_t records_written() const { return records_written_; }  // records that are all out

 private:
  char* end() { return buffer_.get() + used_; }
  std::size_t room_left() const { return kBytes - used_; }
  void took(std::size_t bytes) {
    used_ += bytes;
    accepted_ += bytes;
  }
  void append_by_flushing(std::string_view bytes);
  void write_out(std::string_view bytes);
  void settle_records();

  int fd_ = -1;
  std::unique_ptr<char[]> buffer_;
  std::size_t used_ = 0;
  std::uint64_t accepted_ = 0;
  std::uint64_t written_ = 0;
  std::uint64_t whole_ = 0;          // up to the end of the last record that is all out
  std::vector<std::uint64_t> ends_;  // of the records since begin
  std::size_t records_written_ = 0;
};

}  // namespace common
