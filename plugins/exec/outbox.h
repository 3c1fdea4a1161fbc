// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <standpipe/plugin.hpp>
#include <string>
#include <vector>

// Messages of a batch on their way into a program, gathered so that one write takes many. Small
// ones are copied; a large one goes in pieces, so that memory stays bounded whatever the message.
//
// A frame that has begun to be written must end, whatever becomes of its batch: leave() keeps what
// is left of it.
class Outbox {
 public:
  explicit Outbox(bool has_heads) : has_heads_(has_heads) {}
  // Messages from `next` on are still to be sent. The batch is borrowed until leave.
  void begin(const standpipe::Batch& batch, std::size_t next);
  // The first message of which nothing was taken in yet.
  std::size_t next() const { return next_; }
  // Bytes, or messages before `limit`, are waiting.
  bool has_some(std::size_t limit) const {
    return written_ < bytes_.size() || in_ || next_ < limit;
  }
  enum class Wrote { some, no_room, nobody_reads };
  // Writes what the descriptor takes now, of messages before `limit`.
  Wrote write(int fd, std::size_t limit);
  void leave();
  void clear();

  std::uint64_t written() const { return total_; }  // bytes, since clear
  // How many messages of the batch end within the first so many bytes, which are counted as
  // written() is.
  std::size_t messages_within(std::uint64_t bytes) const;

 private:
  void fill(std::size_t limit);
  void add_header(const standpipe::Message& m);
  void add_piece(std::size_t most);

  bool has_heads_;
  const standpipe::Batch* batch_ = nullptr;
  std::size_t first_ = 0, next_ = 0;
  bool in_ = false;          // a part of message next_ - 1 is not in bytes_ yet:
  std::size_t offset_ = 0;   // from here on
  std::string bytes_;        // gathered
  std::size_t written_ = 0;  // of them
  std::uint64_t total_ = 0;  // written
  std::uint64_t taken_ = 0;  // the end of the last message, if all of it were written
  std::vector<std::uint64_t> ends_;
  std::string head_;
};

// SIGPIPE is held off for as long as this lives, and forgotten if it came meanwhile: a hub ignores
// it, but a plugin may run elsewhere.
class NoSigpipe {
 public:
  NoSigpipe();
  ~NoSigpipe();
  NoSigpipe(const NoSigpipe&) = delete;
  NoSigpipe& operator=(const NoSigpipe&) = delete;

 private:
  bool was_pending_ = false, was_blocked_ = false;
};
