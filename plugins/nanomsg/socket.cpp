// SPDX-License-Identifier: Apache-2.0
#include "socket.h"

#include <nanomsg/pipeline.h>
#include <nanomsg/pubsub.h>
#include <nanomsg/reqrep.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "common/refused_address.h"

namespace {

constexpr std::size_t kAddressBytesMost = 1024;  // 4 bytes for each device on the way, and 8

std::string why_not() { return nn_strerror(nn_errno()); }

bool would_block() { return nn_errno() == EAGAIN || nn_errno() == ETIMEDOUT; }

}  // namespace

Socket::Socket(const SocketSettings& settings, standpipe::Host host)
    : host_(host),
      socket_(nn_socket(settings.domain, settings.protocol)),
      listens_(settings.listens) {
  if (socket_ < 0) throw standpipe::disconnected("libnanomsg has no socket: " + why_not());
  try {
    for (const auto& option : settings.options)
      if (nn_setsockopt(socket_, option.level, option.number, option.value.data(),
                        option.value.size()) != 0)
        throw standpipe::fatal(std::string(option.name) +
                               ": libnanomsg does not take it: " + why_not());
    for (const auto& url : settings.urls) listen_or_connect(url);
    const bool sends_only = settings.protocol == NN_PUSH || settings.protocol == NN_PUB;
    const bool receives_only = settings.protocol == NN_PULL || settings.protocol == NN_SUB;
    if (!sends_only) receive_fd_ = fd_of(NN_RCVFD);
    if (!receives_only) send_fd_ = fd_of(NN_SNDFD);
  } catch (...) {
    nn_close(socket_);
    throw;
  }
}

Socket::Socket(Socket&& other) noexcept
    : host_(other.host_),
      socket_(std::exchange(other.socket_, -1)),
      listens_(other.listens_),
      receive_fd_(other.receive_fd_),
      send_fd_(other.send_fd_),
      has_peers_(other.has_peers_) {}

Socket::~Socket() {
  if (socket_ >= 0)
    while (nn_close(socket_) != 0 && nn_errno() == EINTR) {
    }
}

void Socket::listen_or_connect(const std::string& url) const {
  if ((listens_ ? nn_bind(socket_, url.c_str()) : nn_connect(socket_, url.c_str())) >= 0) return;
  const auto error = nn_errno();
  const auto what = std::string(listens_ ? "cannot listen at " : "cannot connect to ") + url;
  common::throw_refused_address(error, what + ": " + nn_strerror(error), "urls");
}

int Socket::fd_of(int option) const {
  int fd = -1;
  std::size_t size = sizeof fd;
  if (nn_getsockopt(socket_, NN_SOL_SOCKET, option, &fd, &size) != 0)
    throw standpipe::disconnected("libnanomsg has no descriptor: " + why_not());
  return fd;
}

bool Socket::send(std::string_view packet) {
  for (;;) {
    if (nn_send(socket_, packet.data(), packet.size(), NN_DONTWAIT) >= 0) return true;
    if (would_block()) return false;
    if (nn_errno() != EINTR) throw standpipe::disconnected("cannot send: " + why_not());
  }
}

bool Socket::receive(Packet& packet) {
  for (;;) {
    void* data = nullptr;
    const int size = nn_recv(socket_, &data, NN_MSG, NN_DONTWAIT);
    if (size >= 0) {
      packet = Packet(data, static_cast<std::size_t>(size));
      return true;
    }
    if (would_block()) return false;
    // EFSM: of a REQ socket without a request. Its reply was received before.
    if (nn_errno() == EFSM) return false;
    if (nn_errno() != EINTR) throw standpipe::disconnected("cannot receive: " + why_not());
  }
}

// The SP header of a raw message is its control data: the way back.
bool Socket::receive(Packet& packet, std::string& return_address) {
  for (;;) {
    void* data = nullptr;
    alignas(nn_cmsghdr) std::array<char, kAddressBytesMost> control{};
    nn_iovec body{&data, NN_MSG};
    nn_msghdr header{&body, 1, control.data(), control.size()};
    const int size = nn_recvmsg(socket_, &header, NN_DONTWAIT);
    if (size >= 0) {
      packet = Packet(data, static_cast<std::size_t>(size));
      nn_cmsghdr way{};
      std::memcpy(&way, control.data(), sizeof way);
      return_address.assign(control.data(), std::min(way.cmsg_len, control.size()));
      return true;
    }
    if (would_block()) return false;
    if (nn_errno() != EINTR) throw standpipe::disconnected("cannot receive: " + why_not());
  }
}

// If its peer has gone, or does not read, libnanomsg drops the reply; the peer will ask again.
void Socket::reply(const std::string& return_address) {
  alignas(nn_cmsghdr) std::array<char, kAddressBytesMost> control{};
  std::memcpy(control.data(), return_address.data(), return_address.size());
  char nothing = 0;
  nn_iovec body{&nothing, 0};
  const nn_msghdr header{&body, 1, control.data(), return_address.size()};
  (void)nn_sendmsg(socket_, &header, NN_DONTWAIT);
}

void Socket::report_peers() {
  const bool has_peers = nn_get_statistic(socket_, NN_STAT_CURRENT_CONNECTIONS) > 0;
  if (has_peers == std::exchange(has_peers_, has_peers)) return;
  if (has_peers)
    host_.info(listens_ ? "a peer is connected" : "connected");
  else
    host_.info(listens_ ? "no peer is connected any more"
                        : "the connection is lost; libnanomsg connects again");
}
