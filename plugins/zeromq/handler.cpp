// SPDX-License-Identifier: Apache-2.0
#include "handler.h"

#include <algorithm>
#include <span>

using standpipe::Outcome;

namespace {

// How long handle waits for room before the rest of its batch is redelivered.
constexpr auto kPatience = std::chrono::milliseconds(20);
// How long flush waits; after it the host waits for what is not settled, until its own deadline.
constexpr std::chrono::nanoseconds kFlushMost = std::chrono::seconds(1);
constexpr auto kTickEvery = std::chrono::milliseconds(500);
// A batch is sent once it has so much, or handle has no more.
constexpr std::size_t kBatchMessagesMost = 256;
constexpr std::size_t kBatchBytesMost = 256 * 1024;

std::size_t bytes_of(std::span<const std::string_view> frames) {
  std::size_t sum = 0;
  for (const auto frame : frames) sum += frame.size();
  return sum;
}

// What so many messages take, if they are all like this one, or what a batch takes at most.
std::size_t bytes_for(std::size_t bytes, std::size_t messages) {
  return std::min(bytes * std::min(messages, kBatchMessagesMost), kBatchBytesMost + bytes);
}

// Says of one message that its peer cannot get it, and goes on.
template <class Body>
void or_reject(standpipe::Batch& batch, std::size_t i, Body body) {
  try {
    body();
  } catch (const standpipe::reject& refused) {
    batch.settle(i, Outcome::reject);
    batch.reason(i, refused.what());
  }
}

}  // namespace

ZeromqHandler::ZeromqHandler(const standpipe::Options& options)
    : host_(options.host()),
      settings_(handler_socket(options)),
      envelope_(options),
      acknowledges_(options.boolean("ack")),
      resend_ivl_(options.duration("resend_ivl")),
      window_(options.host(), static_cast<std::size_t>(options.integer("window")),
              static_cast<std::size_t>(options.bytes("window_bytes"))) {}

void ZeromqHandler::open() {
  window_.clear();
  socket_.emplace(settings_, host_);
  if (acknowledges_) sender_.emplace(*socket_, window_, resend_ivl_, envelope_.has_metadata());
  if (!acknowledges_ && !has_warned_)
    host_.warning("socket_type: " + settings_.type_name +
                  " promises nothing: messages count as delivered once libzmq has queued them, "
                  "and are lost if this process or the peer ends (ack: true over dealer does not "
                  "lose any)");
  has_warned_ = true;
}

void ZeromqHandler::close() {
  sender_.reset();
  socket_.reset();
  window_.clear();
}

void ZeromqHandler::check() {
  if (sender_)
    sender_->check();
  else
    socket_->watcher().check();
}

std::optional<std::chrono::nanoseconds> ZeromqHandler::tick() {
  check();
  if (sender_) return std::nullopt;  // its thread asks for the next one
  return kTickEvery;
}

void ZeromqHandler::flush(std::chrono::nanoseconds left) {
  if (acknowledges_)
    window_.wait_until_empty(common::TakenWindow::Clock::now() + std::min(left, kFlushMost));
}

void ZeromqHandler::handle(standpipe::Batch& batch) {
  check();
  if (acknowledges_)
    take_all(batch);
  else
    send_all(batch);
}

// ---- without acknowledgements

void ZeromqHandler::send_all(standpipe::Batch& batch) {
  std::size_t i = 0;
  for (bool has_room = true; i < batch.size(); ++i) {
    batch.stop_at(i);
    or_reject(batch, i, [&] { has_room = send(envelope_.frames(batch[i])); });
    if (!has_room) return;
  }
  batch.stop_at(batch.size());
}

bool ZeromqHandler::send(std::span<const std::string_view> frames) {
  if (socket_->send(frames)) return true;
  zmq_pollitem_t item{socket_->get(), 0, ZMQ_POLLOUT, 0};
  (void)zmq_poll(&item, 1, kPatience.count());
  return socket_->send(frames);
}

// ---- with acknowledgements

void ZeromqHandler::take_all(standpipe::Batch& batch) {
  SentBatch next;
  std::size_t i = 0;
  for (bool is_full = false; i < batch.size(); ++i) {
    or_reject(batch, i, [&] {
      const auto frames = envelope_.frames(batch[i]);
      const auto bytes = bytes_of(frames);
      is_full = !has_room(bytes, next);
      if (is_full) return;
      if (next.empty()) next.reserve(bytes_for(bytes, batch.size() - i));
      const auto number = window_.add(batch.taken(i, 1), bytes);
      for (std::size_t frame = 0; frame < frames.size(); ++frame)
        next.add(number, frames[frame], frame == 0);
      batch.settle(i, Outcome::taken);
    });
    if (is_full) break;
    if (next.messages() >= kBatchMessagesMost || next.bytes() >= kBatchBytesMost) push(next);
  }
  push(next);
  batch.stop_at(i);
}

// What is ready goes before this waits.
bool ZeromqHandler::has_room(std::size_t bytes, SentBatch& batch) {
  const auto now = common::TakenWindow::Clock::now();
  if (window_.wait_for_room(bytes, now)) return true;
  push(batch);
  return window_.wait_for_room(bytes, now + kPatience);
}

void ZeromqHandler::push(SentBatch& batch) {
  if (!batch.empty()) sender_->push(std::move(batch));
  batch = {};
}
