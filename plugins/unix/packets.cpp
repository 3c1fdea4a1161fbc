// SPDX-License-Identifier: Apache-2.0
#include "packets.h"

#include <poll.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <standpipe/plugin.hpp>

namespace unix_socket {

namespace {

constexpr std::size_t kPage = 4096;
// Above 4,263,616 bytes the kernel was seen to refuse a packet whatever SO_SNDBUF is.
constexpr std::size_t kPacketMax = 4'500'000;
constexpr std::size_t kLongPacket = 64 * 1024;

bool has_left(int fd) {
  pollfd one{fd, POLLRDHUP, 0};
  return ::poll(&one, 1, 0) > 0;
}

}  // namespace

Packets::Packets(std::size_t packet_max)
    : slot_bytes_((std::min(packet_max, kPacketMax) + kPage - 1) / kPage * kPage) {
  for (; slots_ > 0; slots_ /= 2) {
    void* const at = ::mmap(nullptr, slots_ * slot_bytes_, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) continue;
    memory_ = static_cast<char*>(at);
    break;
  }
  if (!memory_) throw standpipe::disconnected("no memory for packets");
  for (std::size_t i = 0; i < slots_; ++i) {
    places_[i] = {memory_ + i * slot_bytes_, slot_bytes_};
    heads_[i].msg_hdr.msg_iov = &places_[i];
    heads_[i].msg_hdr.msg_iovlen = 1;
  }
}

Packets::~Packets() { ::munmap(memory_, slots_ * slot_bytes_); }

Packets::Packet Packets::front() const {
  const std::size_t size = heads_[next_].msg_len;
  return {{static_cast<const char*>(places_[next_].iov_base), std::min(size, slot_bytes_)}, size};
}

void Packets::give_back() {
  for (std::size_t i = 0; i < count_; ++i)
    if (heads_[i].msg_len > kLongPacket) ::madvise(places_[i].iov_base, slot_bytes_, MADV_DONTNEED);
}

// An empty packet and the end of a connection are the same to the kernel: 0 bytes. So what is empty
// in the end is the end if the other side has left, and a message if it has not.
Received Packets::receive(int fd, std::size_t most) {
  give_back();
  next_ = count_ = 0;
  int n = 0;
  do
    n = ::recvmmsg(fd, heads_.data(),
                   static_cast<unsigned>(std::clamp<std::size_t>(most, 1, slots_)),
                   MSG_DONTWAIT | MSG_TRUNC, nullptr);
  while (n < 0 && errno == EINTR);
  if (n < 0 && errno == EAGAIN) return Received::nothing;
  if (n <= 0) return Received::end;  // an error ends it, too: ECONNRESET
  count_ = static_cast<std::size_t>(n);
  if (heads_[count_ - 1].msg_len == 0 && has_left(fd))
    while (count_ > 0 && heads_[count_ - 1].msg_len == 0) --count_;
  return count_ > 0 ? Received::some : Received::end;
}

}  // namespace unix_socket
