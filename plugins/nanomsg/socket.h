// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nanomsg/nn.h>

#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "settings.h"

// A received SP message, in libnanomsg's memory.
class Packet {
 public:
  Packet() = default;
  Packet(void* data, std::size_t size) : data_(data), size_(size) {}
  Packet(Packet&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Packet& operator=(Packet&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Packet() {
    if (data_) nn_freemsg(data_);
  }
  std::string_view view() const { return {static_cast<const char*>(data_), size_}; }

 private:
  void* data_ = nullptr;
  std::size_t size_ = 0;
};

// A socket of libnanomsg. Nothing waits.
class Socket {
 public:
  // Listens or connects. Throws standpipe::disconnected, and fatal for what waiting does not mend.
  Socket(const SocketSettings& settings, standpipe::Host host);
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&&) = delete;
  ~Socket();

  // false: there is no room, or nobody to send it to.
  bool send(std::string_view packet);
  bool receive(Packet& packet);
  // Of a raw REP socket: the request, and to whom the reply goes.
  bool receive(Packet& packet, std::string& return_address);
  void reply(const std::string& return_address);

  // Are readable when a message can be received, and sent.
  int receive_fd() const { return receive_fd_; }
  int send_fd() const { return send_fd_; }
  // Says in the log when the first peer has come, and when the last one has gone.
  void report_peers();

 private:
  void listen_or_connect(const std::string& url) const;
  int fd_of(int option) const;

  standpipe::Host host_;
  int socket_;
  bool listens_;
  int receive_fd_ = -1, send_fd_ = -1;
  bool has_peers_ = false;
};
