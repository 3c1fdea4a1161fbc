// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "wire.h"

namespace unix_socket {

// Messages of one batch, one after the other as bytes, from when the handler took them until they
// are settled. It is filled by the host's thread and then belongs to the sender's.
//
//   done <= count: messages that are settled
class Block {
 public:
  explicit Block(const standpipe::Taken& first) : taken_(first) { taken_.count = 0; }

  // As if it was new, in the memory that it has.
  void reuse(const standpipe::Taken& first);
  std::size_t capacity() const { return bytes_.capacity(); }

  // A message, whose number follows the last one's.
  void add(const Wire& wire, std::string_view pairs, std::string_view payload);

  std::size_t count() const { return ends_.size(); }
  std::size_t size() const { return bytes_.size(); }
  std::string_view bytes() const { return bytes_; }
  std::size_t begin_of(std::size_t i) const { return i == 0 ? 0 : ends_[i - 1]; }
  std::size_t end_of(std::size_t i) const { return ends_[i]; }
  std::string_view message(std::size_t i) const {
    return bytes().substr(begin_of(i), end_of(i) - begin_of(i));
  }
  // Messages that end within so many bytes.
  std::size_t messages_within(std::size_t bytes) const;

  // Gives the messages their sequences, from this one on.
  void number(const Wire& wire, std::uint64_t first);
  std::uint64_t first_sequence() const { return first_sequence_; }
  std::uint64_t last_sequence() const { return first_sequence_ + count() - 1; }

  std::size_t done() const { return done_; }
  // The messages from `done` up to this one, which are done now.
  standpipe::Taken take_up_to(std::size_t end);
  standpipe::Taken taken(std::size_t i) const {
    return {taken_.ticket, taken_.first + static_cast<std::uint32_t>(i), 1};
  }
  // What is not done becomes the whole block, to be sent once more.
  void restart();

  // Connections that have it and did not finish it, and whether one did.
  std::size_t holders = 0;
  bool has_finished_once = false;
  bool is_shared = false;  // it was given to several: it is settled as a whole

 private:
  standpipe::Taken taken_;
  std::string bytes_;
  std::vector<std::uint32_t> ends_;
  std::uint64_t first_sequence_ = 0;
  std::size_t done_ = 0;
};
using BlockPtr = std::shared_ptr<Block>;

}  // namespace unix_socket
