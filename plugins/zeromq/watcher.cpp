// SPDX-License-Identifier: Apache-2.0
#include "watcher.h"

#include <zmq.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "common/error_text.h"
#include "frame.h"

namespace {

constexpr auto kFailureEvery = std::chrono::seconds(10);  // in the log
constexpr const char* kZap = "inproc://zeromq.zap.01";

}  // namespace

Watcher::Watcher(void* context, const char* monitor, standpipe::Host host,
                 const SocketSettings& settings)
    : host_(host), settings_(settings) {
  const int all = 0, at_once = 0;
  events_ = zmq_socket(context, ZMQ_PAIR);
  const bool listens = events_ && zmq_setsockopt(events_, ZMQ_RCVHWM, &all, sizeof all) == 0 &&
                       zmq_connect(events_, monitor) == 0;
  bool admits = true;
  if (!settings.clientkeys.empty()) {
    clients_ = zmq_socket(context, ZMQ_REP);
    admits = clients_ && zmq_setsockopt(clients_, ZMQ_LINGER, &at_once, sizeof at_once) == 0 &&
             zmq_bind(clients_, kZap) == 0;
  }
  if (!listens || !admits) {
    stop();
    throw standpipe::disconnected("cannot watch the socket: " + common::error_text(zmq_errno()));
  }
  thread_ = std::thread([this] { run(); });
}

Watcher::~Watcher() { stop(); }

void Watcher::stop() {
  stop_.set();
  if (thread_.joinable()) thread_.join();
  if (events_) zmq_close(events_);
  if (clients_) zmq_close(clients_);
  events_ = clients_ = nullptr;
}

void Watcher::check() {
  const std::lock_guard lock(mutex_);
  if (!refused_.empty()) throw standpipe::fatal(refused_);
}

void Watcher::run() {
  std::array<zmq_pollitem_t, 3> items{{{nullptr, stop_.fd(), ZMQ_POLLIN, 0},
                                       {events_, 0, ZMQ_POLLIN, 0},
                                       {clients_, 0, ZMQ_POLLIN, 0}}};
  const int count = clients_ ? 3 : 2;
  for (;;) {
    if (zmq_poll(items.data(), count, -1) < 0 && zmq_errno() != EINTR) return;
    if (items[0].revents != 0) return;
    while (follow_event()) {
    }
    if (clients_) admit();
  }
}

// Two frames: the number of the event and its value, and the endpoint.
bool Watcher::follow_event() {
  std::vector<Frame> frames;
  if (!receive_frames(events_, frames)) return false;
  std::uint16_t event = 0;
  std::uint32_t value = 0;
  const auto head = frames[0].view();
  if (frames.size() < 2 || head.size() < sizeof event + sizeof value) return true;
  std::memcpy(&event, head.data(), sizeof event);
  std::memcpy(&value, head.data() + sizeof event, sizeof value);
  if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
    handshake_succeeded();
  else if (event == ZMQ_EVENT_DISCONNECTED)
    disconnected();
  else if (event != ZMQ_EVENT_MONITOR_STOPPED)
    handshake_failed(event, value, frames[1].view());
  return true;
}

void Watcher::handshake_succeeded() {
  if (live_++ == 0) host_.info(settings_.binds ? "a peer is connected" : "connected");
  ++connections_;
  changed_.set();
}

// A connection whose handshake failed ends like any other, but it never counted.
void Watcher::disconnected() {
  if (failed_ > 0) {
    --failed_;
    return;
  }
  if (live_ > 0 && --live_ == 0)
    host_.info(settings_.binds ? "no peer is connected any more"
                               : "the connection is lost; libzmq connects again");
}

void Watcher::handshake_failed(std::uint16_t event, std::uint32_t value, std::string_view peer) {
  ++failed_;
  const bool is_refused = event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
  const bool differs = event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL &&
                       value == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH;
  const std::string at(peer);
  // Whoever connects to a bound socket may be anybody, and holds nobody else.
  if (is_refused && !settings_.binds)
    return refuse(at + " does not admit this client (status " + std::to_string(value) +
                  "): add the public key of curve_secretkey to the clients that it knows");
  if (differs && !settings_.binds)
    return refuse(at + (settings_.is_encrypted
                            ? " does not speak CURVE: leave out the curve_ options, or give it keys"
                            : " wants another security mechanism: set curve_serverkey and "
                              "curve_secretkey if it is CURVE"));
  const auto now = Clock::now();
  if (now < quiet_until_) return;
  quiet_until_ = now + kFailureEvery;
  if (settings_.binds)
    host_.warning(
        "a client at " + at + " was not admitted: its handshake failed" +
        (settings_.is_encrypted ? " (its keys are not those that curve_ options ask for)" : ""));
  else
    host_.warning("the handshake with " + at + " failed; it is tried again" +
                  (settings_.is_encrypted
                       ? ". If it keeps failing, curve_serverkey is not that server's public key"
                       : ". If it keeps failing, no ZeroMQ socket of the right type is there"));
}

void Watcher::refuse(std::string why) {
  {
    const std::lock_guard lock(mutex_);
    refused_ = std::move(why);
  }
  changed_.set();
}

// ZAP 1.0 (rfc.zeromq.org/spec/27): version, request id, domain, address, identity, mechanism and,
// of CURVE, the client's public key.
void Watcher::admit() {
  std::vector<Frame> request;
  while (receive_frames(clients_, request)) {
    const bool is_curve = request.size() >= 7 && request[5].view() == "CURVE";
    const bool is_admitted = is_curve && is_known(request[6].view());
    const std::array<std::string_view, 6> answer{"1.0",
                                                 request.size() > 1 ? request[1].view() : "",
                                                 is_admitted ? "200" : "400",
                                                 is_admitted ? "" : "the key is not known",
                                                 "",
                                                 ""};
    for (std::size_t i = 0; i < answer.size(); ++i)
      zmq_send(clients_, answer[i].data(), answer[i].size(),
               ZMQ_DONTWAIT | (i + 1 < answer.size() ? ZMQ_SNDMORE : 0));
  }
}

bool Watcher::is_known(std::string_view key) const {
  return std::any_of(settings_.clientkeys.begin(), settings_.clientkeys.end(),
                     [&](const auto& known) { return known == key; });
}
