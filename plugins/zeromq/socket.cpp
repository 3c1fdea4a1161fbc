// SPDX-License-Identifier: Apache-2.0
#include "socket.h"

#include <cerrno>
#include <string>

#include "common/refused_address.h"

namespace {

constexpr const char* kMonitor = "inproc://standpipe.monitor";
constexpr int kMonitored = ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED |
                           ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                           ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;

std::string why_not() { return zmq_strerror(zmq_errno()); }

void set_option(void* socket, const SocketOption& option) {
  if (zmq_setsockopt(socket, option.number, option.value.data(), option.value.size()) != 0)
    throw standpipe::fatal(std::string(option.name) + ": libzmq does not take it: " + why_not());
}

}  // namespace

Socket::Socket(const SocketSettings& settings, standpipe::Host host)
    : context_(zmq_ctx_new()), socket_(nullptr) {
  try {
    if (!context_) throw standpipe::disconnected("libzmq has no context: " + why_not());
    socket_ = zmq_socket(context_, settings.type);
    if (!socket_) throw standpipe::disconnected("libzmq has no socket: " + why_not());
    if (zmq_socket_monitor(socket_, kMonitor, kMonitored) != 0)
      throw standpipe::disconnected("libzmq has no monitor: " + why_not());
    watcher_.emplace(context_, kMonitor, host, settings);
    open(settings);
  } catch (...) {
    close();
    throw;
  }
}

Socket::~Socket() { close(); }

void Socket::open(const SocketSettings& settings) {
  for (const auto& option : settings.options) set_option(socket_, option);
  for (const auto& endpoint : settings.endpoints) {
    const int result = settings.binds ? zmq_bind(socket_, endpoint.c_str())
                                      : zmq_connect(socket_, endpoint.c_str());
    if (result == 0) continue;
    const auto error = zmq_errno();
    const auto what = std::string(settings.binds ? "cannot bind to " : "cannot connect to ");
    common::throw_refused_address(error, what + endpoint + ": " + zmq_strerror(error), "endpoints");
  }
}

// The watcher goes first: its sockets would keep zmq_ctx_term from returning.
void Socket::close() {
  if (socket_) zmq_socket_monitor(socket_, nullptr, 0);
  watcher_.reset();
  if (socket_) zmq_close(socket_);
  if (context_)
    while (zmq_ctx_term(context_) != 0 && zmq_errno() == EINTR) {
    }
}

bool Socket::send_frame(std::string_view frame, bool is_last) {
  for (;;) {
    const int flags = ZMQ_DONTWAIT | (is_last ? 0 : ZMQ_SNDMORE);
    if (zmq_send(socket_, frame.data(), frame.size(), flags) >= 0) return true;
    if (zmq_errno() == EAGAIN || zmq_errno() == EHOSTUNREACH) return false;
    if (zmq_errno() != EINTR) throw standpipe::disconnected("cannot send: " + why_not());
  }
}

bool Socket::receive(std::vector<Frame>& frames) {
  if (receive_frames(socket_, frames)) return true;
  if (zmq_errno() == EAGAIN) return false;
  throw standpipe::disconnected("cannot receive: " + why_not());
}
