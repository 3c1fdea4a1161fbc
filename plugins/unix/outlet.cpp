// SPDX-License-Identifier: Apache-2.0
#include "outlet.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "common/error_text.h"

namespace unix_socket {

namespace {

constexpr std::size_t kBlocksAWrite = 16;  // of up to 256 KiB: more than a socket's buffer
constexpr std::size_t kPacketsAWrite = 256;
constexpr std::size_t kReadBytes = 16 * 1024;  // about 1,200 acknowledgements
constexpr int kReadsATurn = 16;
constexpr int kPacketOverhead = 32;  // the kernel wants so much of SO_SNDBUF itself

iovec piece(std::string_view bytes) { return {const_cast<char*>(bytes.data()), bytes.size()}; }

}  // namespace

Outlet::Outlet(Connection connection, const Wire& wire, const Events& events)
    : connection_(std::move(connection)),
      wire_(wire),
      events_(events),
      connected_(Clock::now()),
      progress_(connected_) {
  if (wire_.has_acks)
    to_send_ = Greeting{wire_.has_metadata, static_cast<std::uint32_t>(wire_.message_max)}.bytes();
  int buffer = 0;
  socklen_t size = sizeof buffer;
  if (wire_.is_packets &&
      ::getsockopt(connection_.fd.get(), SOL_SOCKET, SO_SNDBUF, &buffer, &size) == 0)
    packet_max_ = static_cast<std::size_t>(std::max(buffer - kPacketOverhead, 1));
}

// ---- out

void Outlet::write() {
  while (!is_blocked_ && wants_to_write()) {
    if (!to_send_.empty() ? !write_greeting()
                          : !(wire_.is_packets ? write_packets() : write_stream()))
      return;
  }
}

// false: there is no room now. Throws Lost.
bool Outlet::failed(int error) {
  if (error == EINTR) return true;
  if (error != EAGAIN) throw Lost{common::error_text(error)};
  is_blocked_ = true;
  return false;
}

bool Outlet::write_greeting() {
  const auto n =
      ::send(connection_.fd.get(), to_send_.data(), to_send_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n < 0) return failed(errno);
  to_send_.erase(0, static_cast<std::size_t>(n));
  return true;
}

bool Outlet::write_stream() {
  std::array<iovec, kBlocksAWrite> pieces;
  std::size_t count = 0;
  for (auto i = writing_; i < queue_.size() && count < pieces.size(); ++i)
    pieces[count++] = piece(queue_[i]->bytes().substr(i == writing_ ? written_ : 0));
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = count;
  const auto n = ::sendmsg(connection_.fd.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n < 0) return failed(errno);
  advance(static_cast<std::size_t>(n));
  return true;
}

bool Outlet::write_packets() {
  const auto& block = *queue_[writing_];
  const auto first = block.messages_within(written_);
  const auto count = std::min(block.count() - first, kPacketsAWrite);
  std::array<iovec, kPacketsAWrite> pieces;
  std::array<mmsghdr, kPacketsAWrite> packets;
  for (std::size_t i = 0; i < count; ++i) {
    pieces[i] = piece(block.message(first + i));
    packets[i] = {};
    packets[i].msg_hdr.msg_iov = &pieces[i];
    packets[i].msg_hdr.msg_iovlen = 1;
  }
  const int n = ::sendmmsg(connection_.fd.get(), packets.data(), static_cast<unsigned>(count),
                           MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n < 0 && (errno == EMSGSIZE || errno == ENOBUFS)) {
    reject_packet(errno);
    return true;
  }
  if (n < 0) return failed(errno);
  advance(block.end_of(first + static_cast<std::size_t>(n) - 1) - written_);
  return true;
}

void Outlet::advance(std::size_t bytes) {
  progress_ = Clock::now();
  while (bytes > 0) {
    const auto index = writing_;
    const auto step = std::min(bytes, queue_[index]->size() - written_);
    bytes -= step;
    written_ += step;
    const auto end = queue_[index]->messages_within(written_);
    if (written_ == queue_[index]->size()) {
      ++writing_;
      written_ = 0;
    }
    if (!wire_.has_acks) note_finished(index, end);
  }
}

// The kernel refuses it for its size, and always will.
void Outlet::reject_packet(int error) {
  const auto block = queue_[writing_];
  const auto i = block->messages_within(written_);
  const auto size = block->end_of(i) - block->begin_of(i);
  if (error == ENOBUFS && size <= kReadBytes) throw Lost{common::error_text(error)};
  const auto what = "a packet of " + std::to_string(size) + " bytes is more than ";
  events_.rejected(block, i,
                   error == ENOBUFS
                       ? what +
                             "the kernel makes, whatever SO_SNDBUF is (4263616 was seen to be "
                             "the most): use type: stream"
                       : what + "SO_SNDBUF less 32 (" + std::to_string(packet_max_) +
                             "): raise so_sndbuf, or use type: stream");
  advance(size);
}

// All messages of that block before `end` are. A block that is finished leaves the queue.
void Outlet::note_finished(std::size_t index, std::size_t end) {
  const auto block = queue_[index];
  if (end == block->count()) {
    queue_.erase(queue_.begin() + static_cast<std::ptrdiff_t>(index));
    writing_ -= index < writing_;
  }
  events_.finished(block, end);
}

// ---- in

bool Outlet::read() {
  std::array<char, kReadBytes> buffer;
  for (int reads = 0; reads < kReadsATurn; ++reads) {
    const auto n = ::recv(connection_.fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return false;
    if (n < 0) throw Lost{common::error_text(errno)};
    if (n == 0 && wire_.has_acks) throw Lost{"the other end closed the connection"};
    if (n == 0) return false;       // it only reads: that it is gone is known by EPOLLHUP
    if (!wire_.has_acks) continue;  // what it says means nothing
    const std::string_view bytes(buffer.data(), static_cast<std::size_t>(n));
    if (!wire_.is_packets) {
      received_ += bytes;
      while (parse()) {
      }
    } else if (!has_greeting_) {
      take_greeting(bytes);
    } else {
      take_answer(bytes);
    }
  }
  return true;
}

// Of a stream. false: what is next is not complete.
bool Outlet::parse() {
  if (!has_greeting_) {
    if (received_.size() < kGreetingBytes) return false;
    take_greeting(std::string_view(received_).substr(0, kGreetingBytes));
    received_.erase(0, kGreetingBytes);
    return true;
  }
  std::size_t at = 0;
  const std::string_view all(received_);
  while (all.size() - at >= sizeof(std::uint32_t)) {
    const std::size_t size = read_number<std::uint32_t>(all.data() + at);
    if (size > kAnswerBytesMax) throw Lost{"it answers what is no answer (see PROTOCOL.md)"};
    if (all.size() - at - sizeof(std::uint32_t) < size) break;
    take_answer(all.substr(at + sizeof(std::uint32_t), size));
    at += sizeof(std::uint32_t) + size;
  }
  received_.erase(0, at);
  return false;
}

void Outlet::take_greeting(std::string_view bytes) {
  const auto greeting = Greeting::read(bytes);
  if (!greeting) throw Lost{"it does not greet: does its side have ack: true, too?"};
  if (greeting->has_metadata != wire_.has_metadata)
    throw Lost{"metadata: it must be the same at both ends"};
  has_greeting_ = true;
  message_max_ = greeting->message_max;
  progress_ = Clock::now();
}

void Outlet::take_answer(std::string_view bytes) {
  const auto answer = Answer::read(bytes);
  if (!answer) throw Lost{"it answers what is no answer (see PROTOCOL.md)"};
  progress_ = Clock::now();
  if (answer->kind == Answer::Kind::acknowledge)
    acknowledged(answer->sequence);
  else
    refused(answer->sequence, answer->reason);
}

void Outlet::acknowledged(std::uint64_t sequence) {
  while (!queue_.empty() && queue_.front()->first_sequence() <= sequence) {
    const auto& block = *queue_.front();
    const auto end = static_cast<std::size_t>(std::min(sequence, block.last_sequence()) -
                                              block.first_sequence() + 1);
    const auto sent = writing_ > 0 ? block.count() : block.messages_within(written_);
    if (end > sent) throw Lost{"it acknowledges what was not sent to it"};
    const bool is_all = end == block.count();
    note_finished(0, end);
    if (!is_all) return;
  }
}

void Outlet::refused(std::uint64_t sequence, std::string_view why) {
  for (const auto& block : queue_)
    if (block->first_sequence() <= sequence && sequence <= block->last_sequence())
      return events_.rejected(block, static_cast<std::size_t>(sequence - block->first_sequence()),
                              "the receiver refuses it: " + std::string(why));
}

}  // namespace unix_socket
