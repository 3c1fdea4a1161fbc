// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <zmq.h>

#include <cerrno>
#include <string_view>
#include <utility>
#include <vector>

// A frame that was received. What it has is borrowed by its view.
class Frame {
 public:
  Frame() { zmq_msg_init(&message_); }
  Frame(Frame&& other) noexcept {
    zmq_msg_init(&message_);
    zmq_msg_move(&message_, &other.message_);
  }
  Frame& operator=(Frame&& other) noexcept {
    zmq_msg_move(&message_, &other.message_);
    return *this;
  }
  ~Frame() { zmq_msg_close(&message_); }

  zmq_msg_t* get() { return &message_; }
  std::string_view view() const {
    auto* message = const_cast<zmq_msg_t*>(&message_);
    return {static_cast<const char*>(zmq_msg_data(message)), zmq_msg_size(message)};
  }

 private:
  zmq_msg_t message_;
};

// A whole message; libzmq hands over all of its frames or none. false: there is none, and
// zmq_errno() is EAGAIN, or why there is none.
inline bool receive_frames(void* socket, std::vector<Frame>& frames) {
  frames.clear();
  for (;;) {
    auto& frame =
        frames.emplace_back();  // where it stays: to move one costs as much as its payload
    while (zmq_msg_recv(frame.get(), socket, ZMQ_DONTWAIT) < 0) {
      if (zmq_errno() == EINTR) continue;
      frames.pop_back();
      return false;
    }
    if (zmq_msg_more(frame.get()) == 0) return true;
  }
}
