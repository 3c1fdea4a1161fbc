// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <string_view>

#include "inbox.h"

namespace unix_socket {

// Room for packets that one system call brings, of one connection after the other. The kernel cuts
// a packet that is longer than its slot without an error, so each slot holds the longest that is
// allowed; the pages of a slot that a long packet touched are given back.
class Packets {
 public:
  struct Packet {
    std::string_view bytes;
    std::size_t size = 0;  // as it was sent
    bool is_cut() const { return size > bytes.size(); }
  };

  explicit Packets(std::size_t packet_max);
  Packets(const Packets&) = delete;
  Packets& operator=(const Packets&) = delete;
  ~Packets();

  // At most so many. What is left of the last call is forgotten.
  Received receive(int fd, std::size_t most);
  bool empty() const { return next_ == count_; }
  Packet front() const;
  void pop() { ++next_; }
  void clear() { next_ = count_; }

 private:
  static constexpr std::size_t kSlotsMost = 64;
  void give_back();

  std::size_t slot_bytes_, slots_ = kSlotsMost;
  char* memory_ = nullptr;
  std::array<mmsghdr, kSlotsMost> heads_{};
  std::array<iovec, kSlotsMost> places_{};
  std::size_t next_ = 0, count_ = 0;
};

}  // namespace unix_socket
