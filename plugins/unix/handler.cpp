// SPDX-License-Identifier: Apache-2.0
#include "handler.h"

#include <algorithm>

namespace unix_socket {

namespace {

using standpipe::Outcome;
using Clock = Outbox::Clock;
using Part = common::Template::Part;

constexpr std::chrono::milliseconds kRoomWait{50};  // that handle waits for room in the window

std::string too_large(std::size_t bytes, std::string_view limit, std::size_t most) {
  return "its " + std::to_string(bytes) + " bytes are more than " + std::string(limit) + " (" +
         std::to_string(most) + ")";
}

}  // namespace

Handler::Handler(const standpipe::Options& options)
    : settings_(options), sender_(options.host(), settings_) {
  for (const auto& [name, text] : settings_.send.headers)
    headers_.emplace_back(name, common::Template(text, {"headers",
                                                        {Part::source, Part::sequence, Part::time,
                                                         Part::size, Part::json, Part::meta}}));
}

void Handler::check_connection() {
  if (const auto why = sender_.outbox().failure()) throw standpipe::disconnected(*why);
}

void Handler::handle(standpipe::Batch& batch) {
  const auto until = Clock::now() + kRoomWait;
  for (std::size_t i = 0; i < batch.size();) {
    batch.stop_at(i);
    const auto room = sender_.outbox().wait_for_room(until);
    if (room.messages == 0) {
      check_connection();
      return;
    }
    i = encode(batch, i, room);
  }
  batch.stop_at(batch.size());
}

// As many as there is room for, up to one that is refused. Returns which one is next.
std::size_t Handler::encode(standpipe::Batch& batch, std::size_t i, const Outbox::Room& room) {
  auto block = sender_.outbox().make(batch.taken(i, 0));
  for (; i < batch.size() && block->count() < room.messages; ++i) {
    const auto message = batch[i];
    const auto pairs = settings_.wire.has_metadata ? pairs_of(message) : std::string_view();
    if (const auto why = refusal(message, pairs, room.limits)) {
      if (block->count() > 0) break;
      batch.settle(i, Outcome::reject);
      batch.reason(i, *why);
      return i + 1;
    }
    if (block->count() > 0 && block->size() + message.size() > room.bytes) break;
    batch.settle(i, Outcome::taken);
    block->add(settings_.wire, pairs, message.text());
  }
  sender_.push(std::move(block));
  return i;
}

// Its own metadata, what its source says, and the headers; of a name that occurs twice, the last
// one counts for who receives it.
std::string_view Handler::pairs_of(const standpipe::Message& message) {
  pairs_.clear();
  for (const auto& pairs : {message.source_metadata(), message.metadata()})
    for (const auto& pair : pairs)
      append_pair(pairs_, standpipe::detail::view(pair.name), standpipe::detail::view(pair.value));
  if (headers_.empty()) return pairs_;
  fields_.look_at(message);
  for (const auto& [name, value] : headers_) {
    text_.clear();
    if (fields_.append(text_, value)) append_pair(pairs_, name, text_);
  }
  return pairs_;
}

std::optional<std::string> Handler::refusal(const standpipe::Message& message,
                                            std::string_view pairs,
                                            const Outbox::Limits& limits) const {
  const auto& wire = settings_.wire;
  const auto size = message.size();
  if (size > wire.message_max) return too_large(size, "max_message_size", wire.message_max);
  if (size > limits.message)
    return too_large(size, "the receiver's max_message_size", limits.message);
  if (pairs.size() > kPairsMax) return too_large(pairs.size(), "metadata may have", kPairsMax);
  const auto packet = wire.head_bytes() + pairs.size() + size;
  if (wire.is_packets && packet > limits.packet)
    return "as a packet it has " + std::to_string(packet) +
           " bytes, and a packet has at most SO_SNDBUF less 32 (" + std::to_string(limits.packet) +
           "): raise so_sndbuf, or use type: stream";
  if (wire.is_packets && packet == 0)
    return "it is empty, and an empty packet looks like the end of the connection: set ack: true "
           "or metadata: true at both ends, or use type: stream";
  if (wire.is_lines && message.text().find('\n') != std::string_view::npos)
    return "it has a newline, which ends a message with framing: newline; use framing: length";
  return std::nullopt;
}

std::optional<std::chrono::nanoseconds> Handler::tick() {
  check_connection();
  return std::nullopt;  // the sender asks for the next one
}

void Handler::flush(std::chrono::nanoseconds left) {
  sender_.outbox().wait_until_empty(Clock::now() +
                                    std::chrono::duration_cast<Clock::duration>(left));
}

}  // namespace unix_socket
