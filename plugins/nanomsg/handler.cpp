// SPDX-License-Identifier: Apache-2.0
#include "handler.h"

#include <nanomsg/reqrep.h>
#include <poll.h>

#include <algorithm>
#include <thread>

using standpipe::Outcome;

namespace {

// How long handle waits for room before the rest of its batch is redelivered.
constexpr auto kPatience = std::chrono::milliseconds(20);
constexpr auto kTickEvery = std::chrono::milliseconds(500);
// How long flush waits; after it the host waits for what is not settled, until its own deadline.
constexpr std::chrono::nanoseconds kFlushMost = std::chrono::seconds(1);
// Of REQ: how much may be taken, and sent or waiting to be.
constexpr std::size_t kTakenMost = 10'000;
constexpr std::size_t kTakenBytesMost = 16 << 20;

// false: the peer cannot get the message, and the batch says so.
template <class Body>
bool or_reject(standpipe::Batch& batch, std::size_t i, Body body) {
  try {
    body();
    return true;
  } catch (const standpipe::reject& refused) {
    batch.settle(i, Outcome::reject);
    batch.reason(i, refused.what());
    return false;
  }
}

}  // namespace

NanomsgHandler::NanomsgHandler(const standpipe::Options& options)
    : host_(options.host()),
      settings_(handler_socket(options)),
      packer_(options),
      requests_(settings_.protocol == NN_REQ),
      sockets_(static_cast<std::size_t>(options.integer("window"))),
      linger_(options.duration("linger")),
      window_(options.host(), kTakenMost, kTakenBytesMost) {}

void NanomsgHandler::open() {
  window_.clear();
  if (requests_) {
    sender_.emplace(settings_, sockets_, host_, window_);
    return;
  }
  socket_.emplace(settings_, host_);
  if (!has_warned_)
    host_.warning("protocol: " + settings_.protocol_name +
                  " promises nothing: messages count as delivered once libnanomsg has queued "
                  "them, and are lost if this process or the peer ends (req does not lose any)");
  has_warned_ = true;
}

// What PUSH and PUB have queued is forgotten by nn_close, and libnanomsg does not say when it is
// out.
void NanomsgHandler::close() {
  if (socket_) std::this_thread::sleep_until(std::min(sent_ + linger_, Clock::now() + linger_));
  sender_.reset();
  socket_.reset();
  window_.clear();
}

std::optional<std::chrono::nanoseconds> NanomsgHandler::tick() {
  if (sender_) {
    sender_->check();
    return std::nullopt;  // its thread asks for the next one
  }
  socket_->report_peers();
  return kTickEvery;
}

void NanomsgHandler::flush(std::chrono::nanoseconds left) {
  if (requests_) window_.wait_until_empty(Clock::now() + std::min(left, kFlushMost));
}

void NanomsgHandler::handle(standpipe::Batch& batch) {
  if (requests_)
    take_all(batch);
  else if (packer_.is_of_one())
    send_each(batch);
  else
    send_all(batch);
}

// ---- PUSH and PUB

void NanomsgHandler::send_each(standpipe::Batch& batch) {
  std::size_t i = 0;
  for (bool has_room = true; i < batch.size(); ++i) {
    batch.stop_at(i);
    or_reject(batch, i, [&] { has_room = send(packer_.bytes_of(batch[i])); });
    if (!has_room) return;
  }
  batch.stop_at(i);
}

// An SP message that cannot be sent has the messages from `first` on.
void NanomsgHandler::send_all(standpipe::Batch& batch) {
  std::string packet;
  std::size_t first = 0, messages = 0, i = 0;
  const auto send_packet = [&] {
    if (messages > 0 && !send(packet)) return false;
    packet.clear();
    first = i;
    messages = 0;
    return true;
  };
  bool has_room = true;
  for (; has_room && i < batch.size(); ++i) {
    or_reject(batch, i, [&] {
      const auto bytes = packer_.bytes_of(batch[i]);
      has_room = packer_.has_room(messages, packet, bytes.size()) || send_packet();
      packet += bytes;
      ++messages;
    });
    if (messages == 0) first = i + 1;
  }
  if (has_room) has_room = send_packet();
  batch.stop_at(has_room ? batch.size() : first);
}

bool NanomsgHandler::send(std::string_view packet) {
  if (!socket_->send(packet)) {
    pollfd room{socket_->send_fd(), POLLIN, 0};
    (void)::poll(&room, 1, static_cast<int>(kPatience.count()));
    if (!socket_->send(packet)) return false;
  }
  sent_ = Clock::now();
  return true;
}

// ---- REQ

void NanomsgHandler::take_all(standpipe::Batch& batch) {
  sender_->check();
  Request next;
  std::size_t i = 0;
  for (bool is_full = false; i < batch.size(); ++i) {
    or_reject(batch, i, [&] {
      const auto bytes = packer_.bytes_of(batch[i]);
      is_full = !has_room(bytes.size(), next);
      if (is_full) return;
      if (!packer_.has_room(next.messages, next.packet, bytes.size())) push(next);
      const auto number = window_.add(batch.taken(i, 1), bytes.size());
      if (next.messages++ == 0) next.first = number;
      next.packet += bytes;
      batch.settle(i, Outcome::taken);
    });
    if (is_full) break;
  }
  push(next);
  batch.stop_at(i);
}

// What is ready goes before this waits.
bool NanomsgHandler::has_room(std::size_t bytes, Request& next) {
  const auto now = Clock::now();
  if (window_.wait_for_room(bytes, now)) return true;
  push(next);
  return window_.wait_for_room(bytes, now + kPatience);
}

void NanomsgHandler::push(Request& request) {
  if (request.messages > 0) sender_->push(std::move(request));
  request = {};
}
