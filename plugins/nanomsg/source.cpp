// SPDX-License-Identifier: Apache-2.0
#include "source.h"

#include <nanomsg/reqrep.h>

#include <algorithm>
#include <chrono>
#include <span>

#include "common/metadata_frame.h"

using standpipe::Poll;

namespace {

// So that a stream of what is left out does not keep poll from returning.
constexpr int kReceivedMost = 10'000;
constexpr auto kLookEvery = std::chrono::milliseconds(500);  // for peers that come and go

}  // namespace

NanomsgSource::NanomsgSource(const standpipe::Options& options)
    : host_(options.host()),
      settings_(source_socket(options)),
      replies_(settings_.protocol == NN_REP),
      has_lengths_(options.text("framing") != "none"),
      has_metadata_(options.boolean("metadata")),
      left_out_(options.host()) {}

void NanomsgSource::open() {
  pending_ = {};
  requests_.clear();
  unacknowledged_.clear();
  last_put_ = safe_ = 0;
  socket_.emplace(settings_, host_);
  if (!replies_ && !has_warned_)
    host_.warning("protocol: " + settings_.protocol_name +
                  " promises nothing: what libnanomsg has queued here is lost if this process "
                  "ends, and peers never learn what has come (rep does not lose any)");
  has_warned_ = true;
}

void NanomsgSource::close() {
  pending_ = {};
  socket_.reset();
}

void NanomsgSource::poll(Poll& poll) {
  const auto before = poll.messages();
  for (;;) {
    socket_->report_peers();
    const bool has_room = put_all(poll);
    if (!has_room || poll.messages() < before || !poll.has_credit()) return;
    // With too many open requests it reads no more until some are settled.
    const int fd = requests_.is_full() ? -1 : socket_->receive_fd();
    if (poll.wait(fd, Poll::Clock::now() + kLookEvery) == Poll::Woken::over) return;
  }
}

void NanomsgSource::committed(std::uint64_t sequence) {
  safe_ = sequence;
  unacknowledged_.release(sequence, [&](const std::string& address) { reply(address); });
}

// false: the hub has no room.
bool NanomsgSource::put_all(Poll& poll) {
  for (int i = 0; i < kReceivedMost && poll.has_credit(); ++i) {
    if (!pending_.is_open && !receive()) return true;
    if (pending_.is_open && !put_pending(poll)) return false;
  }
  return true;
}

// false: there is nothing.
bool NanomsgSource::receive() {
  if (requests_.is_full()) return false;
  const bool is_there = replies_ ? socket_->receive(pending_.packet, pending_.address)
                                 : socket_->receive(pending_.packet);
  if (!is_there) return false;
  const auto next = replies_ ? requests_.receive(pending_.address) : Requests::Next::take;
  if (next == Requests::Next::reply) socket_->reply(pending_.address);
  pending_.is_open = next == Requests::Next::take;
  pending_.rest = pending_.packet.view();
  return true;
}

// false: the hub has no room.
bool NanomsgSource::put_pending(Poll& poll) {
  while (pending_.is_open) {
    if (!poll.has_credit()) return true;
    if (!put_next(poll)) return false;
    if (!has_lengths_ || pending_.rest.empty()) end_packet();
  }
  return true;
}

// The next message of the packet. What is wrong in the middle ends the packet, and it is replied
// to: it would be as wrong the next time.
bool NanomsgSource::put_next(Poll& poll) {
  pairs_.clear();
  if (!has_lengths_) return put(poll, pending_.rest);
  if (pending_.rest.empty()) return true;
  auto rest = pending_.rest;
  const auto metadata = has_metadata_ ? common::take_text(rest) : std::string_view();
  const auto payload = metadata ? common::take_text(rest) : std::nullopt;
  if (!payload || !common::read_pairs(*metadata, pairs_)) {
    left_out_.add(has_metadata_ ? "it is not what framing: length_prefixed and metadata: true make"
                                : "it is not what framing: length_prefixed makes");
    pending_.rest = {};
    return true;
  }
  if (!put(poll, *payload)) return false;
  pending_.rest = rest;
  return true;
}

bool NanomsgSource::put(Poll& poll, std::string_view payload) {
  const standpipe::Meta meta{std::span<const standpipe_pair>(pairs_)};
  const auto answer = poll.put(payload, meta);
  if (answer == standpipe::Put::full) return false;
  if (answer == standpipe::Put::ok)
    last_put_ = poll.sequence();
  else
    left_out_.add(standpipe::Host::too_large(payload, meta));
  return true;
}

// It is as safe as the last message that was put, which may be one before it.
void NanomsgSource::end_packet() {
  pending_.is_open = false;
  if (!replies_) return;
  if (last_put_ <= safe_)
    reply(pending_.address);
  else
    unacknowledged_.add(last_put_, pending_.address);
}

void NanomsgSource::reply(const std::string& address) {
  requests_.replied(address);
  if (socket_) socket_->reply(address);
}
