// SPDX-License-Identifier: Apache-2.0
#include "block.h"

#include <algorithm>

namespace unix_socket {

void Block::reuse(const standpipe::Taken& first) {
  taken_ = first;
  taken_.count = 0;
  bytes_.clear();
  ends_.clear();
  first_sequence_ = done_ = holders = 0;
  has_finished_once = is_shared = false;
}

void Block::add(const Wire& wire, std::string_view pairs, std::string_view payload) {
  char head[sizeof(std::uint32_t) + sizeof(std::uint64_t) + sizeof(std::uint32_t)];
  auto* at = head;
  const auto head_bytes = wire.head_bytes();
  if (wire.length_bytes() > 0) {
    write_number(at, static_cast<std::uint32_t>(head_bytes - wire.length_bytes() + pairs.size() +
                                                payload.size()));
    at += sizeof(std::uint32_t);
  }
  if (wire.has_acks) {
    write_number(at, std::uint64_t{0});
    at += sizeof(std::uint64_t);
  }
  if (wire.has_metadata) write_number(at, static_cast<std::uint32_t>(pairs.size()));
  bytes_.append(head, head_bytes).append(pairs).append(payload);
  if (wire.is_lines) bytes_ += '\n';
  ends_.push_back(static_cast<std::uint32_t>(bytes_.size()));
  ++taken_.count;
}

std::size_t Block::messages_within(std::size_t bytes) const {
  return static_cast<std::size_t>(std::ranges::upper_bound(ends_, bytes) - ends_.begin());
}

void Block::number(const Wire& wire, std::uint64_t first) {
  first_sequence_ = first;
  if (!wire.has_acks) return;
  for (std::size_t i = 0; i < count(); ++i)
    write_number(bytes_.data() + begin_of(i) + wire.length_bytes(), first + i);
}

standpipe::Taken Block::take_up_to(std::size_t end) {
  const standpipe::Taken part{taken_.ticket, taken_.first + static_cast<std::uint32_t>(done_),
                              static_cast<std::uint32_t>(end - done_)};
  done_ = end;
  return part;
}

void Block::restart() {
  const auto cut = begin_of(done_);
  bytes_.erase(0, cut);
  ends_.erase(ends_.begin(), ends_.begin() + static_cast<std::ptrdiff_t>(done_));
  for (auto& end : ends_) end -= static_cast<std::uint32_t>(cut);
  taken_.first += static_cast<std::uint32_t>(done_);
  taken_.count -= static_cast<std::uint32_t>(done_);
  done_ = 0;
  holders = 0;
  is_shared = has_finished_once = false;
}

}  // namespace unix_socket
