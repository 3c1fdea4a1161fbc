// SPDX-License-Identifier: Apache-2.0
#include "outbox.h"

#include <pthread.h>
#include <standpipe/wire.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>

#include "records.h"

namespace {

constexpr std::size_t kGather = 256 * 1024;  // a write's worth: far beyond what a call costs

void append_number(std::string& to, std::uint64_t number, unsigned bytes) {
  for (unsigned i = 0; i < bytes; ++i) to += static_cast<char>(number >> (8 * i) & 0xff);
}

void append_head(std::string& head, const standpipe::Message& m) {
  append_number(head, m.sequence(), 8);
  append_number(head, static_cast<std::uint64_t>(m.time().count()), 8);
  append_number(head, m.attempt(), 4);
  append_number(head, m.source().size(), 4);
  head += m.source();
  for (const auto& pair : m.source_metadata()) append_pair(head, pair);
  for (const auto& pair : m.metadata()) append_pair(head, pair);
}

}  // namespace

void Outbox::begin(const standpipe::Batch& batch, std::size_t next) {
  batch_ = &batch;
  first_ = next_ = next;
  ends_.clear();
}

// A frame's header is never split from what tells its length; its payload may be.
void Outbox::add_header(const standpipe::Message& m) {
  head_.clear();
  if (has_heads_) append_head(head_, m);
  const auto head_bytes = has_heads_ ? head_.size() + STANDPIPE_WIRE_HEADER_BYTES : 0;
  append_number(bytes_, head_bytes + m.size(), STANDPIPE_WIRE_HEADER_BYTES);
  if (has_heads_) append_number(bytes_, head_.size(), STANDPIPE_WIRE_HEADER_BYTES);
  bytes_ += head_;
  taken_ += STANDPIPE_WIRE_HEADER_BYTES + head_bytes + m.size();
  ends_.push_back(taken_);
}

void Outbox::add_piece(std::size_t most) {
  const auto text = (*batch_)[next_ - 1].text();
  const auto piece = text.substr(offset_, most);
  bytes_ += piece;
  offset_ += piece.size();
  in_ = offset_ < text.size();
}

void Outbox::fill(std::size_t limit) {
  if (written_ == bytes_.size()) {
    bytes_.clear();
    written_ = 0;
  }
  while (bytes_.size() < kGather && (in_ || next_ < limit)) {
    if (!in_) {
      add_header((*batch_)[next_++]);
      offset_ = 0;
    }
    add_piece(kGather - std::min(bytes_.size(), kGather));
  }
}

Outbox::Wrote Outbox::write(int fd, std::size_t limit) {
  auto done = Wrote::no_room;
  while (has_some(limit)) {
    if (bytes_.size() - written_ < kGather / 2) fill(limit);
    const auto n = ::write(fd, bytes_.data() + written_, bytes_.size() - written_);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EAGAIN ? done : Wrote::nobody_reads;
    written_ += static_cast<std::size_t>(n);
    total_ += static_cast<std::uint64_t>(n);
    done = Wrote::some;
  }
  return done;
}

std::size_t Outbox::messages_within(std::uint64_t bytes) const {
  const auto end = std::upper_bound(ends_.begin(), ends_.end(), bytes);
  return first_ + static_cast<std::size_t>(end - ends_.begin());
}

void Outbox::leave() {
  if (in_) add_piece(std::string::npos);
  batch_ = nullptr;
}

void Outbox::clear() {
  batch_ = nullptr;
  in_ = false;
  bytes_.clear();
  bytes_.shrink_to_fit();
  written_ = 0;
  total_ = taken_ = 0;
  ends_.clear();
}

NoSigpipe::NoSigpipe() {
  sigset_t pending, pipe, before;
  ::sigemptyset(&pipe);
  ::sigaddset(&pipe, SIGPIPE);
  ::sigpending(&pending);
  was_pending_ = ::sigismember(&pending, SIGPIPE) == 1;
  ::pthread_sigmask(SIG_BLOCK, &pipe, &before);
  was_blocked_ = ::sigismember(&before, SIGPIPE) == 1;
}

NoSigpipe::~NoSigpipe() {
  sigset_t pipe;
  ::sigemptyset(&pipe);
  ::sigaddset(&pipe, SIGPIPE);
  const timespec at_once{};
  if (!was_pending_)
    while (::sigtimedwait(&pipe, nullptr, &at_once) < 0 && errno == EINTR) {
    }
  if (!was_blocked_) ::pthread_sigmask(SIG_UNBLOCK, &pipe, nullptr);
}
