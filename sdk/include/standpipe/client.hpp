// SPDX-License-Identifier: Apache-2.0
//
// standpipe/client.hpp: for programs that write to a hub's FIFO and read from one; header-only,
// C++20. client.h has the rules.
//
//   standpipe::Sender out("/tmp/orders", 5s);
//   out.send("order 66", 5s);
//
//   standpipe::Receiver in("/tmp/billing");
//   while (const auto message = in.receive()) use(*message);
//
// What fails throws std::system_error.
#pragma once

#include <standpipe/client.h>

#include <cerrno>
#include <chrono>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace standpipe {

namespace detail {

[[noreturn]] inline void throw_client_error(int error, const std::string& what) {
  throw std::system_error(-error, std::generic_category(), what);
}

inline int client_timeout(std::optional<std::chrono::milliseconds> timeout) {
  if (!timeout) return -1;
  return timeout->count() > INT_MAX ? INT_MAX : static_cast<int>(timeout->count());
}

}  // namespace detail

// Sends messages whole, under the lock that all writers of large frames take, and connects anew
// when the reader has left. For one thread at a time. Without a timeout it waits for ever.
class Sender {
 public:
  using Timeout = std::optional<std::chrono::milliseconds>;

  // Waits for a hub that is just starting.
  explicit Sender(std::string path, Timeout timeout = {}) : path_(std::move(path)) {
    const int error =
        standpipe_sender_open(&sender_, path_.c_str(), detail::client_timeout(timeout));
    if (error) detail::throw_client_error(error, "open " + path_ + " to write");
  }
  ~Sender() { standpipe_sender_close(&sender_); }
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;

  // Returns when all of it is in the FIFO. After std::errc::broken_pipe a part of it may be there,
  // after any other error nothing of it.
  void send(std::string_view message, Timeout timeout = {}) {
    const int error =
        standpipe_send(&sender_, message.data(), message.size(), detail::client_timeout(timeout));
    if (error) detail::throw_client_error(error, "send to " + path_);
  }
  void message_max(std::uint32_t bytes) { sender_.message_max = bytes; }

 private:
  std::string path_;
  standpipe_sender sender_{};
};

// Receives messages, from whichever writers come and go. For one thread at a time.
class Receiver {
 public:
  using Timeout = std::optional<std::chrono::milliseconds>;

  // Makes the FIFO if there is none. Larger messages than message_max end the stream.
  explicit Receiver(const std::string& path,
                    std::uint32_t message_max = STANDPIPE_WIRE_MESSAGE_MAX_DEFAULT)
      : path_(path) {
    const int error = standpipe_receiver_open(&receiver_, path_.c_str(), message_max);
    if (error) detail::throw_client_error(error, "open " + path_ + " to read");
  }
  ~Receiver() { standpipe_receiver_close(&receiver_); }
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  // The next message, valid until the next call; nothing when the time is over.
  std::optional<std::string_view> receive(Timeout timeout = {}) {
    standpipe_message_view message{};
    const int found = standpipe_receive(&receiver_, &message, detail::client_timeout(timeout));
    if (found < 0) detail::throw_client_error(found, "receive from " + path_);
    if (found == 0) return std::nullopt;
    return std::string_view(reinterpret_cast<const char*>(message.data), message.size);
  }
  // Frames whose writer left in the middle.
  std::uint64_t truncated() const { return receiver_.truncated; }

 private:
  std::string path_;
  standpipe_receiver receiver_{};
};

}  // namespace standpipe
