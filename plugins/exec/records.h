// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>
#include <vector>

// The program answered something that PROTOCOL.md does not have.
struct Nonsense : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The length that a frame begins with (standpipe/wire.h): of four bytes or more.
std::uint32_t length_at(std::string_view bytes);

// Bytes that came from a program, until they are understood. They are kept from the mark on, so
// that what was looked at can be looked at again.
class Inbox {
 public:
  enum class Read { some, none_now, at_end };
  Read read(int fd);
  std::string_view bytes() const { return {buffer_.data() + at_, end_ - at_}; }
  void consume(std::size_t n) { at_ += n; }
  void mark() { mark_ = at_; }
  void rewind() { at_ = mark_; }
  std::size_t marked() const { return at_ - mark_; }  // bytes that rewind would return
  void clear() { at_ = mark_ = end_ = 0; }

 private:
  void make_room();
  std::vector<char> buffer_;
  // mark_ <= at_ <= end_ <= buffer_.size()
  std::size_t mark_ = 0, at_ = 0, end_ = 0;
};

// A record, as PROTOCOL.md has it. Its texts lie in the inbox.
struct Record {
  enum class Kind { greeting, outcome, emit, resume, disconnected, fatal };
  Kind kind = Kind::greeting;
  standpipe::Outcome outcome = standpipe::Outcome::delivered;
  std::uint64_t count = 1;   // of an outcome
  std::string_view reason;   // of an outcome, disconnected, fatal
  std::string_view payload;  // of emit and resume
  std::string_view meta;     // of emit: pairs
  std::optional<std::string_view> resume =
      std::nullopt;            // of a source's emit: where to go on after it
  bool wants_commits = false;  // of a greeting
};

class RecordReader {
 public:
  // `message_max`: bytes of a payload.
  explicit RecordReader(std::size_t message_max) : message_max_(message_max) {}
  // The next record, consumed; false: it has not all come yet. Throws Nonsense, with nothing
  // consumed.
  bool next(Inbox& inbox, Record& record) const;

 private:
  std::size_t message_max_;
};

// What a block of pairs says. Throws Nonsense. Borrowed from the block.
void read_pairs(std::string_view block, std::vector<standpipe_pair>& pairs);
void append_pair(std::string& block, const standpipe_pair& pair);

// "it printed 'hello' where a record belongs"
std::string nonsense(std::string_view bytes, std::string_view wanted);
