// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>
#include <thread>

#include "common/wake.h"
#include "settings.h"

// Watches a socket's connections from a thread of its own, since libzmq's I/O thread waits for
// whoever reads its events: says in the log when the first peer comes and the last one goes and why
// handshakes fail, and decides, as a ZAP handler, which clients of a CURVE server are admitted.
class Watcher {
 public:
  Watcher(void* context, const char* monitor, standpipe::Host host, const SocketSettings& settings);
  ~Watcher();
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  // How many connections there have been.
  unsigned connections() const { return connections_; }
  // Becomes readable when there is a new one, or a reason below.
  int fd() const { return changed_.fd(); }
  void clear_fd() { changed_.clear(); }
  // Throws standpipe::fatal if the peer refuses this side for good.
  void check();

 private:
  using Clock = std::chrono::steady_clock;

  void run();
  void stop();
  bool follow_event();
  void handshake_succeeded();
  void handshake_failed(std::uint16_t event, std::uint32_t value, std::string_view peer);
  void disconnected();
  void admit();
  void refuse(std::string why);
  bool is_known(std::string_view key) const;

  standpipe::Host host_;
  const SocketSettings& settings_;
  void* events_ = nullptr;
  void* clients_ = nullptr;  // the ZAP handler's socket
  common::Wake changed_, stop_;
  std::atomic<unsigned> connections_ = 0;
  unsigned live_ = 0, failed_ = 0;
  Clock::time_point quiet_until_;
  std::mutex mutex_;
  std::string refused_;
  std::thread thread_;
};
