// SPDX-License-Identifier: Apache-2.0
#include "source.h"

#include <algorithm>

namespace unix_socket {

namespace {

using standpipe::Poll;
using standpipe::Put;

constexpr std::uint32_t kTurnMessages = 256;

}  // namespace

Source::Source(const standpipe::Options& options) : host_(options.host()), settings_(options) {}

void Source::open() {
  acknowledgements_.clear();
  next_id_ = Poller::kFirstConnection;
  is_full_ = false;
  poller_.open();
  const auto& wire = settings_.wire;
  if (wire.is_packets && !packets_)
    packets_ = std::make_unique<Packets>(
        std::max(kGreetingBytes,
                 wire.head_bytes() + wire.message_max + (wire.has_metadata ? kPairsMax : 0)));
  if (!settings_.endpoint.listens) return add(connect_to_server(host_, settings_));
  listener_ = std::make_unique<Listener>(host_, settings_);
  poller_.watch(listener_->fd(), Poller::kListener, EPOLLIN);
}

void Source::add(Connection connection) {
  const auto id = next_id_++;
  const int fd = connection.fd.get();
  const auto made = clients_.try_emplace(id, std::move(connection), settings_.wire, packets_.get(),
                                         settings_.brings_credentials);
  poller_.watch(fd, id, Poller::kConnectionEvents);
  made.first->second.send_answers();
}

void Source::close() {
  std::size_t left = 0;
  for (const auto& [id, client] : clients_) left += client.left();
  if (left > 0 && !settings_.wire.has_acks)
    host_.warning("closed with " + std::to_string(left) +
                  " bytes that were read and are in no message of the hub: without ack: true they "
                  "are lost");
  clients_.clear();
  listener_.reset();
  packets_.reset();
  poller_.close();
}

void Source::poll(Poll& poll) {
  for (;;) {
    look();
    send_answers();
    const auto turn = serve_all(poll);
    if (turn == Turn::full || !poll.has_credit()) break;
    if (turn == Turn::busy) continue;
    acknowledgements_.end_run();
    if (poll.wait(poller_.fd()) != Poll::Woken::ready) break;
  }
  acknowledgements_.end_run();
}

// Who can be read, and who has come. Clients tell of both ends once (EPOLLET), and are marked.
void Source::look() {
  for (const auto& event : poller_.wait(0)) {
    if (event.data.u64 == Poller::kListener) {
      accept();
      continue;
    }
    const auto client = clients_.find(event.data.u64);
    if (client != clients_.end() && (event.events & ~std::uint32_t{EPOLLOUT}) != 0)
      client->second.mark_readable();
  }
}

void Source::accept() {
  while (clients_.size() < settings_.listen.connections_max) {
    auto client = listener_->accept();
    if (!client) return;
    host_.debug("a client connected (" + client->who.text() + ")");
    add(std::move(*client));
  }
  poller_.forget(listener_->fd());
  is_full_ = true;
  host_.warning("max_connections (" + std::to_string(settings_.listen.connections_max) +
                ") clients are connected to " + settings_.endpoint.path +
                ": others wait until one leaves");
}

// One turn for each, beginning behind the client that had the last one.
Source::Turn Source::serve_all(Poll& poll) {
  bool is_busy = false;
  auto at = clients_.upper_bound(last_served_);
  for (auto left = clients_.size(); left > 0; --left) {
    if (!poll.has_credit()) return Turn::full;
    if (at == clients_.end()) at = clients_.begin();
    const auto now = at++;
    last_served_ = now->first;
    try {
      const auto turn = serve(poll, now->first, now->second);
      if (turn == Turn::full) return Turn::full;
      is_busy = is_busy || turn == Turn::busy;
      if (turn == Turn::idle && now->second.is_at_end()) {
        const auto rest = now->second.left();
        end(now, rest == 0 ? ""
                           : "left " + std::to_string(rest) +
                                 " bytes of a message that is not complete; they are dropped");
      }
    } catch (const Client::Broken& broken) {
      end(now, broken.why);
    }
  }
  return is_busy ? Turn::busy : Turn::idle;
}

Source::Turn Source::serve(Poll& poll, Id id, Client& client) {
  for (std::uint32_t n = 0; n < kTurnMessages && poll.has_credit(); ++n) {
    auto message = client.next();
    while (!message) {
      if (!client.is_readable()) return Turn::idle;
      client.read(std::min(poll.messages(), kTurnMessages - n));
      message = client.next();
    }
    if (!put(poll, id, client, *message)) {
      client.keep();
      return Turn::full;
    }
    client.pop();
  }
  client.keep();
  return Turn::busy;
}

// false: the hub has no room for it now.
bool Source::put(Poll& poll, Id id, Client& client, const Client::Message& message) {
  const auto& parts = message.parts;
  auto why = message.too_large;
  if (why.empty()) {
    const auto meta = client.meta(parts);
    const auto answer = poll.put(parts.payload, meta);
    if (answer == Put::full) return false;
    if (answer == Put::ok) {
      if (settings_.wire.has_acks) acknowledgements_.add(poll.sequence(), id, parts.sequence);
      return true;
    }
    why = standpipe::Host::too_large(parts.payload, meta);
  }
  leave_out(client, why);
  if (!settings_.wire.has_acks) return true;
  client.reject(parts.sequence, why);
  acknowledgements_.end_run();
  acknowledgements_.add_none(id, parts.sequence);
  acknowledgements_.end_run();
  return true;
}

void Source::leave_out(const Client& client, const std::string& why) {
  ++left_out_;
  if (const auto line = left_out_log_.line("left out a message of a client (" +
                                           client.who().text() + "): " + why + "; " +
                                           std::to_string(left_out_) + " were left out in all"))
    host_.error(*line);
}

void Source::send_answers() {
  if (!settings_.wire.has_acks) return;
  acknowledgements_.release([this](Id id, std::uint64_t number) {
    const auto client = clients_.find(id);
    if (client != clients_.end()) client->second.acknowledge(number);
  });
  for (auto& [id, client] : clients_)
    if (client.has_answers()) client.send_answers();
}

void Source::committed(std::uint64_t sequence) {
  if (!settings_.wire.has_acks) return;
  acknowledgements_.mark_safe(sequence);
  send_answers();
}

void Source::end(Clients::iterator at, const std::string& why) {
  const auto text = settings_.endpoint.path + " (" + at->second.who().text() + ")";
  clients_.erase(at);
  if (packets_) packets_->clear();  // they were its
  if (!settings_.endpoint.listens)
    throw standpipe::disconnected("the server at " + text + " " +
                                  (why.empty() ? "closed the connection" : why));
  if (!why.empty())
    if (const auto line = ends_log_.line("a client of " + text + ": " + why)) host_.warning(*line);
  if (!is_full_) return;
  is_full_ = false;
  poller_.watch(listener_->fd(), Poller::kListener, EPOLLIN);
}

}  // namespace unix_socket
