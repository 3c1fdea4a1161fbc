// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <zmq.h>

#include <optional>
#include <standpipe/plugin.hpp>
#include <string_view>
#include <vector>

#include "frame.h"
#include "settings.h"
#include "watcher.h"

// A socket with a context and a watcher of its own. One thread at a time; another one may go on
// after a full fence, as libzmq asks for it. Nothing waits but the destructor, for `linger`.
class Socket {
 public:
  // Binds or connects. Throws standpipe::disconnected, and fatal for what waiting does not mend.
  Socket(const SocketSettings& settings, standpipe::Host host);
  ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  void* get() const { return socket_; }
  Watcher& watcher() { return *watcher_; }
  // All frames or none of them; false: there is no room, or nobody to send them to.
  template <class Frames>
  bool send(const Frames& frames) {
    bool was_sent = true;
    for (std::size_t i = 0; i < frames.size(); ++i) {
      const bool is_last = i + 1 == frames.size();
      if (send_frame(frames[i], is_last)) continue;
      // The connection ended in the middle of a message: libzmq drops the rest of it, but wants it.
      was_sent = false;
      if (i == 0) return false;
    }
    return was_sent;
  }
  // A whole message. false: there is none now.
  bool receive(std::vector<Frame>& frames);

 private:
  bool send_frame(std::string_view frame, bool is_last);
  void open(const SocketSettings& settings);
  void close();

  void* context_;
  void* socket_;
  std::optional<Watcher> watcher_;
};
