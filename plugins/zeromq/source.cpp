// SPDX-License-Identifier: Apache-2.0
#include "source.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <span>

#include "common/metadata_frame.h"

using standpipe::Poll;

namespace {

// So that a stream of what is left out does not keep poll from returning.
constexpr int kReceivedMost = 10'000;

}  // namespace

ZeromqSource::ZeromqSource(const standpipe::Options& options)
    : host_(options.host()),
      settings_(source_socket(options)),
      acknowledges_(options.boolean("ack")),
      has_metadata_(options.boolean("metadata")),
      left_out_(options.host()) {}

void ZeromqSource::open() {
  pending_ = {};
  sessions_ = {};
  unacknowledged_.clear();
  last_put_ = safe_ = 0;
  socket_.emplace(settings_, host_);
  if (!acknowledges_ && !has_warned_)
    host_.warning("socket_type: " + settings_.type_name +
                  " promises nothing: what libzmq has queued here is lost if this process ends, "
                  "and peers never learn what has come (ack: true over router does not lose any)");
  has_warned_ = true;
}

void ZeromqSource::close() {
  pending_ = {};
  socket_.reset();
}

void ZeromqSource::poll(Poll& poll) {
  const auto before = poll.messages();
  for (;;) {
    socket_->watcher().check();
    const bool has_room = put_all(poll);
    answer();
    if (!has_room || poll.messages() < before || !poll.has_credit()) return;
    if (!wait(poll)) return;
  }
}

void ZeromqSource::committed(std::uint64_t sequence) {
  safe_ = sequence;
  unacknowledged_.release(
      sequence, [&](const BatchName& batch) { sessions_.make_safe(batch.session, batch.id); });
  if (socket_) answer();
}

// false: the hub has no room.
bool ZeromqSource::put_all(Poll& poll) {
  for (int i = 0; i < kReceivedMost && poll.has_credit(); ++i) {
    if (pending_.next >= pending_.frames.size() && !receive()) return true;
    if (!put_pending(poll)) return false;
  }
  return true;
}

bool ZeromqSource::receive() {
  pending_.next = 0;
  pending_.head.reset();
  if (!socket_->receive(pending_.frames)) return false;
  if (acknowledges_) begin_batch();
  return true;
}

// Frames: the peer, the head, and messages of one or two frames each.
void ZeromqSource::begin_batch() {
  auto& frames = pending_.frames;
  const auto head = frames.size() > 1 ? BatchHead::decoded(frames[1].view()) : std::nullopt;
  pending_.next = frames.size();
  if (!head || (head->has_metadata && frames.size() % 2 != 0))
    return left_out_.add(
        "it is no batch of PROTOCOL.md; a peer that sends messages as they are "
        "needs a source without ack: true");
  if (sessions_.receive(frames[0].view(), *head) != Sessions::Next::take) return;
  pending_.head = *head;
  pending_.next = 2;
  pending_.index = 0;
  if (frames.size() == 2) end_batch();
}

// false: the hub has no room.
bool ZeromqSource::put_pending(Poll& poll) {
  if (!acknowledges_) return put_message(poll);
  auto& pending = pending_;
  while (pending.next < pending.frames.size()) {
    if (!poll.has_credit()) return true;
    pairs_.clear();
    const std::size_t payload = pending.next + (pending.head->has_metadata ? 1 : 0);
    const bool is_whole =
        payload == pending.next || common::read_pairs(pending.frames[pending.next].view(), pairs_);
    if (!is_whole) leave_out("its frame of metadata is none");
    if (is_whole && !put(poll, pending.frames[payload].view())) return false;
    pending.next = payload + 1;
    ++pending.index;
    if (pending.next >= pending.frames.size()) end_batch();
  }
  return true;
}

// It is as safe as the last message that was put, which may be one before it.
void ZeromqSource::end_batch() {
  const BatchName name{pending_.head->session, pending_.head->id};
  if (last_put_ <= safe_)
    sessions_.make_safe(name.session, name.id);
  else
    unacknowledged_.add(last_put_, name);
}

bool ZeromqSource::put_message(Poll& poll) {
  const auto& frames = pending_.frames;
  const auto payload = frames.size() - 1;
  const bool has_room = [&] {
    pairs_.clear();
    const std::size_t own = has_metadata_ ? 1 : 0;
    if (payload < own) {
      leave_out("it has no frame of metadata, for which metadata: true asks");
      return true;
    }
    read_leading(payload - own);
    if (has_metadata_ && !common::read_pairs(frames[payload - 1].view(), pairs_)) {
      leave_out("its frame of metadata is none");
      return true;
    }
    return put(poll, frames[payload].view());
  }();
  if (has_room) pending_.next = frames.size();
  return has_room;
}

// An empty frame behind the routing id is what REQ sends.
void ZeromqSource::read_leading(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto text = pending_.frames[i].view();
    if (i == 0 && settings_.type == ZMQ_ROUTER)
      pairs_.push_back(standpipe::Pair("routing_id", text));
    else if (i == 0 && settings_.type == ZMQ_SUB)
      pairs_.push_back(standpipe::Pair("topic", text));
    else if (i != 1 || settings_.type != ZMQ_ROUTER || !text.empty())
      pairs_.push_back(standpipe::Pair("frame", text));
  }
}

bool ZeromqSource::put(Poll& poll, std::string_view payload) {
  const standpipe::Meta meta{std::span<const standpipe_pair>(pairs_)};
  switch (poll.put(payload, meta)) {
    case standpipe::Put::full:
      return false;
    case standpipe::Put::ok:
      last_put_ = poll.sequence();
      return true;
    case standpipe::Put::too_large:
      leave_out(standpipe::Host::too_large(payload, meta));
      return true;
  }
  return true;
}

// With acknowledgements its sender hears of it.
void ZeromqSource::leave_out(std::string_view why) {
  left_out_.add(why);
  if (pending_.head)
    sessions_.refuse(pending_.head->session, {pending_.head->id, pending_.index, std::string(why)});
}

// An answer for which there is no room is lost, and asked for again.
void ZeromqSource::answer() {
  sessions_.answer([&](const std::string& peer, std::vector<std::string> frames) {
    frames.insert(frames.begin(), peer);
    (void)socket_->send(frames);
  });
}

// false: poll is to return.
bool ZeromqSource::wait(const Poll& poll) {
  auto& watcher = socket_->watcher();
  std::array<zmq_pollitem_t, 3> items{{{socket_->get(), 0, ZMQ_POLLIN, 0},
                                       {nullptr, watcher.fd(), ZMQ_POLLIN, 0},
                                       {nullptr, poll.wake_fd(), ZMQ_POLLIN, 0}}};
  const int count = poll.wake_fd() < 0 ? 2 : 3;
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(poll.deadline() - Poll::Clock::now());
  const int found =
      zmq_poll(items.data(), count, static_cast<long>(std::max<std::int64_t>(left.count(), 0)));
  if (found < 0 && zmq_errno() != EINTR)
    throw standpipe::disconnected(std::string("cannot wait: ") + zmq_strerror(zmq_errno()));
  if (items[1].revents != 0) watcher.clear_fd();
  return found > 0 && items[2].revents == 0;
}
