// SPDX-License-Identifier: Apache-2.0
#include "source.h"

#include <algorithm>

#include "delivery.h"
#include "headers.h"

namespace nats {

using standpipe::Poll;

namespace {

constexpr std::string_view kAck = "+ACK", kNak = "-NAK", kInProgress = "+WPI", kTerm = "+TERM";
constexpr std::int64_t kFlushMs = 1000;

}  // namespace

Source::Source(const standpipe::Options& options)
    : host_(options.host()),
      settings_(options),
      consumer_settings_(options),
      bounds_{static_cast<int>(options.integer("fetch_batch")),
              static_cast<std::int64_t>(options.bytes("fetch_max_bytes"))} {}

// What the server has delivered to an earlier connection still waits for its acknowledgement. That
// is not so if the consumer was deleted and made anew: then the same numbers mean other messages.
void Source::open() {
  close();
  arrivals_.open();
  connection_ = std::make_unique<Connection>(settings_, [this] { arrivals_.wake(); });
  const auto context = connection_->jetstream();
  auto consumer = find_consumer(*connection_, context.get(), consumer_settings_, settings_.domain);
  if (consumer.created != consumer_.created) held_.clear();
  consumer_ = std::move(consumer);
  pull_ = std::make_unique<Pull>(*connection_, arrivals_, consumer_.next_subject, bounds_);
  keeper_ = std::make_unique<Keeper>(consumer_.ack_wait / 3, [this] { keep_alive(); });
}

void Source::poll(Poll& poll) {
  for (;;) {
    connection_->check();
    held_.add(arrivals_.take_all());
    const bool has_put = put_all(poll);
    pull_->ask_for_more();
    if (has_put || !poll.has_credit()) return;
    if (poll.wait(arrivals_.fd()) != Poll::Woken::ready) return;
  }
}

bool Source::put_all(Poll& poll) {
  bool has_put = false;
  held_.put_each([&](natsMsg* message) {
    if (!is_of_stream(message)) {
      pull_->heard(message);
      return std::uint64_t{0};
    }
    if (!poll.has_credit()) return Held::kStay;
    const auto sequence = put(poll, message);
    if (sequence == Held::kStay) return sequence;
    pull_->received();
    has_put = has_put || sequence != 0;
    return sequence;
  });
  return has_put;
}

// A message that the hub never has room for is terminated, or it would come for ever.
std::uint64_t Source::put(Poll& poll, natsMsg* message) {
  const auto delivery = delivery_of(natsMsg_GetReply(message));
  meta_.clear();
  read_headers(message, meta_);
  meta_.emplace_back(kSubject, natsMsg_GetSubject(message));
  meta_.emplace_back(kStream, delivery.stream);
  meta_.emplace_back(kStreamSequence, delivery.stream_sequence);
  meta_.emplace_back(kNumDelivered, delivery.num_delivered);
  const std::string_view payload(natsMsg_GetData(message),
                                 static_cast<std::size_t>(natsMsg_GetDataLength(message)));
  const auto answer = poll.put(payload, meta_);
  if (answer == standpipe::Put::full) return Held::kStay;
  if (answer == standpipe::Put::ok) return poll.sequence();
  host_.error("message " + std::string(delivery.stream_sequence) + " of the stream " +
              std::string(delivery.stream) +
              " is terminated and left out: " + standpipe::Host::too_large(payload, meta_));
  send(natsMsg_GetReply(message), kTerm);
  return 0;
}

void Source::committed(std::uint64_t sequence) {
  held_.release(sequence, [&](const std::string& reply) { send(reply, kAck); });
}

void Source::keep_alive() {
  for (const auto& reply : held_.held_since_last_call()) send(reply, kInProgress);
}

// An acknowledgement that is lost with the connection means that the server redelivers the message.
void Source::send(const std::string& reply, std::string_view word) {
  const auto status = natsConnection_Publish(connection_->get(), reply.c_str(), word.data(),
                                             static_cast<int>(word.size()));
  if (status != NATS_OK) connection_->fail_for_now("the connection is lost: " + error_text(status));
}

// What came and was not put is given back, where the server can be told.
void Source::close() {
  keeper_.reset();
  if (pull_ && connection_->is_good()) {
    pull_->stop();
    held_.add(arrivals_.take_all());
    for (const auto& reply : held_.give_up_waiting()) send(reply, kNak);
    natsConnection_FlushTimeout(connection_->get(), kFlushMs);
  }
  if (connection_) connection_->close();
  held_.add(arrivals_.take_all());
  pull_.reset();
  connection_.reset();
}

}  // namespace nats
