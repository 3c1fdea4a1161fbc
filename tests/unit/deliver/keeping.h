// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "keeper/link.h"
#include "keeper/store.h"
#include "keeper/wire.h"

namespace test {

using namespace standpipe;

// A keeper in this process, for one worker after the other: each has a link of its own, and finds
// what those before it kept. The links of those before must have ended.
class Keeping {
 public:
  ~Keeping() { end(); }
  keeper::Link start() {
    end();
    int pair[2];
    (void)!::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
    auto entries = store_.entries();
    for (auto& e : entries) e.fd = ::dup(e.fd);
    const int list = ::dup(keeper::write_list(entries).get());
    ::setenv("STANDPIPE_KEEPER", (std::to_string(pair[1]) + ',' + std::to_string(list)).c_str(), 1);
    socket_ = Fd(pair[0]);
    thread_ = std::thread([this] { serve(); });
    return keeper::Link::from_environment();
  }
  // Of this worker or one before, after all that it has said. -1: there is none.
  int find(const std::string& name) const {
    for (;; std::this_thread::yield()) {
      const std::lock_guard guard(mutex_);
      int unread = 0;
      const bool asks = socket_ && ::ioctl(socket_.get(), FIONREAD, &unread) == 0;
      if (!asks || unread == 0) return store_.find(name);
    }
  }
  // Says that to the worker.
  void say(std::string_view verb, std::string_view rest) {
    keeper::send(socket_.get(), verb, rest);
  }
  // Dies under its worker.
  void die() {
    ::shutdown(socket_.get(), SHUT_RDWR);
    end();
  }
  // The hub has ended, and the next one is another.
  void forget_all() {
    die();
    store_ = {};
  }

 private:
  void serve() {
    for (keeper::Message reported;;) {
      pollfd readable{socket_.get(), POLLIN, 0};
      if (::poll(&readable, 1, -1) < 1) continue;
      const std::lock_guard guard(mutex_);
      if (keeper::receive(socket_.get(), reported) == keeper::Received::end) return;
      if (reported.verb == "forget") store_.forget(reported.rest);
      if (reported.verb == "keep") store_.keep(reported.rest, std::move(reported.fd));
      if (reported.verb == "keep" || reported.verb == "succeeds")
        keeper::send(socket_.get(), "kept");
    }
  }
  void end() {
    if (thread_.joinable()) thread_.join();
    socket_.reset();
  }

  mutable std::mutex mutex_;  // of the store, and of what was read for it
  keeper::Store store_;
  Fd socket_;
  std::thread thread_;
};

}  // namespace test
