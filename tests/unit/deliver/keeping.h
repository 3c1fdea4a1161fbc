// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <thread>

#include "keeper/link.h"
#include "keeper/store.h"
#include "keeper/wire.h"

namespace test {

using namespace standpipe;

// A keeper in this process, for one worker after the other: each has a link of its own, and finds what those before it kept. The
// links of those before must have ended.
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
    thread_ = std::thread([this, socket = pair[0]] { serve(Fd(socket)); });
    return keeper::Link::from_environment();
  }
  // Of this worker or one before, once it was kept. -1: there is none.
  int find(const std::string& name) const { return store_.find(name); }

 private:
  void serve(const Fd& socket) {
    for (keeper::Sentence said;;) {
      pollfd readable{socket.get(), POLLIN, 0};
      (void)::poll(&readable, 1, -1);
      if (keeper::hear(socket.get(), said) == keeper::Heard::end) return;
      if (said.verb == "forget") store_.forget(said.rest);
      if (said.verb != "keep") continue;
      store_.keep(said.rest, std::move(said.fd));
      keeper::tell(socket.get(), "kept");
    }
  }
  void end() {
    if (thread_.joinable()) thread_.join();
  }

  keeper::Store store_;
  std::thread thread_;
};

}  // namespace test
