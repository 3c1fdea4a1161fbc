// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

namespace standpipe::worker {

// How much a source that stops still takes from its FIFO.
//
//   begin:   what waited there at that moment, and the rest of the frame in which that ends
//   read_on: whatever comes, as far as its log has room
//   close:   nothing more
class Allowance {
 public:
  void begin(std::uint64_t waiting) {
    left_ = waiting;
    spent_ = false;
  }
  void read_on() {
    left_.reset();
    spent_ = reads_on_ = true;
  }
  void close() { reads_on_ = false; }
  // Nothing more of what it was to take will come.
  void spend() {
    if (left_) spent_ = true;
  }

  bool is_bounded() const { return left_.has_value(); }
  bool spent() const { return spent_; }
  bool may_read() const { return !spent_ || reads_on_; }

  // Bytes of the next turn. `came` and `whole`: of the frame at the log's end; `whole`: 0 while the
  // length is incomplete; then a turn takes single bytes.
  std::uint64_t most(std::uint64_t room, std::uint64_t came, std::uint64_t whole) const {
    if (!left_) return room;
    const auto rest = *left_ > 0 || came == 0 ? *left_ : whole ? whole - came : 1;
    return std::min(room, rest);
  }
  void take(std::uint64_t bytes) {
    if (left_) *left_ -= std::min(*left_, bytes);
  }
  // After a turn. `came`: of the frame at the log's end; `more`: the FIFO may have more.
  void after_turn(std::uint64_t came, bool more) {
    if (left_ && came == 0 && (*left_ == 0 || !more)) spent_ = true;
  }

 private:
  std::optional<std::uint64_t> left_;  // empty: no bound
  bool spent_ = false;
  bool reads_on_ = false;
};

}  // namespace standpipe::worker
