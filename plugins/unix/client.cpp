// SPDX-License-Identifier: Apache-2.0
#include "client.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace unix_socket {

namespace {

constexpr std::size_t kAnswersMost = 1024;  // to a client that does not read them
constexpr std::size_t kCutBytes = 64;       // that are kept of a packet which was too long

}  // namespace

Client::Client(Connection connection, const Wire& wire, Packets* packets, bool brings_credentials)
    : connection_(std::move(connection)), wire_(wire), packets_(packets) {
  if (wire_.has_acks)
    to_send_.push_back(
        Greeting{wire_.has_metadata, static_cast<std::uint32_t>(wire_.message_max)}.bytes());
  if (brings_credentials)
    credentials_ = {"pid", std::to_string(connection_.who.pid),
                    "uid", std::to_string(connection_.who.uid),
                    "gid", std::to_string(connection_.who.gid)};
}

// ---- in

void Client::read(std::size_t messages_most) {
  const auto got = wire_.is_packets ? packets_->receive(connection_.fd.get(), messages_most)
                                    : inbox_.read(connection_.fd.get());
  if (got != Received::some) is_readable_ = false;
  if (got == Received::end) is_at_end_ = true;
}

std::optional<Client::Message> Client::next() {
  if (wire_.is_packets) return next_packet();
  return wire_.is_lines ? next_line() : next_frame();
}

void Client::pop() {
  if (!wire_.is_packets)
    inbox_.consume(size_);
  else if (!waiting_.empty())
    waiting_.pop_front();
  else
    packets_->pop();
}

std::optional<Client::Message> Client::next_line() {
  const auto bytes = inbox_.bytes();
  const auto end = bytes.find('\n', searched_);
  if (std::min(end, bytes.size()) > wire_.message_max)
    throw Broken{"a line is longer than max_message_size (" + std::to_string(wire_.message_max) +
                 ")"};
  searched_ = end == std::string_view::npos ? bytes.size() : 0;
  if (end == std::string_view::npos) return std::nullopt;
  size_ = end + 1;
  return Message{{0, {}, bytes.substr(0, end)}};
}

std::optional<Client::Message> Client::next_frame() {
  auto bytes = inbox_.bytes();
  if (wire_.has_acks && !has_greeting_) {
    if (bytes.size() < kGreetingBytes) return std::nullopt;
    take_greeting(bytes.substr(0, kGreetingBytes));
    inbox_.consume(kGreetingBytes);
    bytes = inbox_.bytes();
  }
  if (bytes.size() < sizeof(std::uint32_t)) return std::nullopt;
  const std::size_t length = read_number<std::uint32_t>(bytes.data());
  const auto head = wire_.head_bytes() - wire_.length_bytes();
  const auto most = head + wire_.message_max + (wire_.has_metadata ? kPairsMax : 0);
  if (length > most || length < head)
    throw Broken{"a frame of " + std::to_string(length) + " bytes is not between " +
                 std::to_string(head) + " and " + std::to_string(most) +
                 " (max_message_size and its head): is its framing length, and are ack and "
                 "metadata the same at both ends?"};
  if (bytes.size() - sizeof(std::uint32_t) < length) return std::nullopt;
  size_ = sizeof(std::uint32_t) + length;
  return message_in(bytes.substr(sizeof(std::uint32_t), length));
}

std::optional<Client::Message> Client::next_packet() {
  while (!waiting_.empty() || !packets_->empty()) {
    const auto packet = waiting_.empty()
                            ? packets_->front()
                            : Packets::Packet{waiting_.front().bytes, waiting_.front().size};
    if (wire_.has_acks && !has_greeting_) {
      take_greeting(packet.bytes);
      pop();
      continue;
    }
    auto message = packet.is_cut() && wire_.has_metadata
                       ? Message{{read_number<std::uint64_t>(packet.bytes.data()), {}, {}}}
                       : message_in(packet.bytes);
    if (packet.is_cut())
      message->too_large = "a packet of " + std::to_string(packet.size) +
                           " bytes is more than max_message_size (" +
                           std::to_string(wire_.message_max) + ") and its head";
    return message;
  }
  return std::nullopt;
}

std::optional<Client::Message> Client::message_in(std::string_view bytes) const {
  const auto parts = Parts::read(wire_, bytes);
  if (!parts) throw Broken{"what it sends is shorter than the head of a message (see PROTOCOL.md)"};
  Message message{*parts};
  if (parts->payload.size() > wire_.message_max)
    message.too_large = std::to_string(parts->payload.size()) +
                        " bytes are more than max_message_size (" +
                        std::to_string(wire_.message_max) + ")";
  return message;
}

void Client::take_greeting(std::string_view bytes) {
  const auto greeting = Greeting::read(bytes);
  if (!greeting) throw Broken{"it does not greet: does its side have ack: true, too?"};
  if (greeting->has_metadata != wire_.has_metadata)
    throw Broken{"metadata: it must be the same at both ends"};
  has_greeting_ = true;
}

standpipe::Meta Client::meta(const Parts& parts) {
  pairs_.clear();
  if (!read_pairs(parts.pairs, pairs_)) throw Broken{"its metadata is damaged (see PROTOCOL.md)"};
  for (std::size_t i = 0; i < credentials_.size(); i += 2)
    pairs_.push_back(standpipe::Pair(credentials_[i], credentials_[i + 1]));
  return std::span<const standpipe_pair>(pairs_);
}

void Client::keep() {
  if (!wire_.is_packets) return;
  for (; !packets_->empty(); packets_->pop()) {
    const auto packet = packets_->front();
    const auto bytes = packet.is_cut() ? packet.bytes.substr(0, kCutBytes) : packet.bytes;
    waiting_.push_back({std::string(bytes), packet.size});
  }
}

std::size_t Client::left() const {
  auto sum = inbox_.bytes().size();
  for (const auto& packet : waiting_) sum += packet.size;
  return sum;
}

// ---- out

void Client::acknowledge(std::uint64_t sequence) { wanted_ = std::max(wanted_, sequence); }

void Client::reject(std::uint64_t sequence, std::string_view why) {
  if (to_send_.size() > kAnswersMost) throw Broken{"it does not read what is answered to it"};
  to_send_.push_back(Answer{Answer::Kind::reject, sequence, why}.bytes(wire_.is_packets));
}

// A newer acknowledgement replaces one that has not begun to be sent.
void Client::send_answers() {
  for (;;) {
    if (to_send_.empty() && wanted_ > told_) {
      to_send_.push_back(Answer{Answer::Kind::acknowledge, wanted_, {}}.bytes(wire_.is_packets));
      told_ = wanted_;
    }
    if (to_send_.empty()) return;
    auto& first = to_send_.front();
    const auto n =
        ::send(connection_.fd.get(), first.data(), first.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno != EAGAIN) to_send_.clear();  // it has gone: reading says so
    if (n < 0) return;
    first.erase(0, static_cast<std::size_t>(n));
    if (first.empty()) to_send_.pop_front();
  }
}

}  // namespace unix_socket
