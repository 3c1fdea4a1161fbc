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
//   standpipe::Worker worker("/tmp/work");
//   while (const auto work = worker.receive()) {
//     use(work->text);
//     worker.acknowledge();
//   }
//
//   standpipe::Requester service("/tmp/requests", "/tmp/replies");
//   if (const auto reply = service.request(R"({"n":6})", 5s)) use(*reply);
//
// What fails throws std::system_error. Each object is for one thread at a time. Without a timeout a
// call waits for ever.
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
  standpipe_sender* abi() { return &sender_; }  // for the functions of client.h

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

// A message at work.
struct Work {
  std::string_view text;      // valid until it is acknowledged or released
  std::uint32_t attempt = 1;  // 1 for the first worker that got it
};

// One of several equal readers of a FIFO. What it received and did not acknowledge when it ends,
// another one gets: client/work.h has the guarantee. An exception that leaves the block of a Worker
// gives the message back.
class Worker {
 public:
  using Timeout = std::optional<std::chrono::milliseconds>;

  // Makes the FIFO if there is none, and PATH.lock and PATH.work beside it.
  explicit Worker(std::string path, std::uint32_t message_max = STANDPIPE_WIRE_MESSAGE_MAX_DEFAULT)
      : path_(std::move(path)) {
    const int error = standpipe_worker_open(&worker_, path_.c_str(), message_max);
    if (error) detail::throw_client_error(error, "open " + path_ + " to work");
  }
  ~Worker() { standpipe_worker_close(&worker_); }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // The next message; nothing when the time is over. The last one must be acknowledged or released.
  std::optional<Work> receive(Timeout timeout = {}) {
    standpipe_work work{};
    const int found = standpipe_worker_receive(&worker_, &work, detail::client_timeout(timeout));
    if (found < 0) detail::throw_client_error(found, "receive from " + path_);
    if (found == 0) return std::nullopt;
    return Work{{reinterpret_cast<const char*>(work.data), work.size}, work.attempt};
  }
  void acknowledge() {
    if (const int error = standpipe_worker_acknowledge(&worker_))
      detail::throw_client_error(error, "acknowledge a message of " + path_);
  }
  // Another worker, or this one, gets it within a second, as its next attempt.
  void release() {
    if (const int error = standpipe_worker_release(&worker_))
      detail::throw_client_error(error, "release a message of " + path_);
  }
  // After so many attempts a message is set aside (PATH.work/failed-...); 0: never.
  void attempts_max(std::uint32_t attempts) { worker_.attempts_max = attempts; }
  // Frames whose writer left in the middle, and messages set aside, as far as this worker saw them.
  std::uint64_t truncated() const { return worker_.truncated; }
  std::uint64_t failed() const { return worker_.failed; }

 private:
  std::string path_;
  standpipe_worker worker_{};
};

// Sends requests to a service behind a hub, and waits for each reply. client/request.h has the
// rules.
class Requester {
 public:
  using Timeout = std::optional<std::chrono::milliseconds>;

  // Waits for a hub that is just starting. Makes a FIFO of its own in the folder of replies, and
  // removes it in the end.
  Requester(std::string requests, const std::string& replies_folder, Timeout timeout = {})
      : path_(std::move(requests)) {
    const int error = standpipe_requester_open(&requester_, path_.c_str(), replies_folder.c_str(),
                                               detail::client_timeout(timeout));
    if (error) detail::throw_client_error(error, "open " + path_ + " and " + replies_folder);
  }
  ~Requester() { standpipe_requester_close(&requester_); }
  Requester(const Requester&) = delete;
  Requester& operator=(const Requester&) = delete;

  // The reply, valid until the next request; nothing: none came in time. std::errc::timed_out: the
  // request was not sent. Both are JSON objects.
  std::optional<std::string_view> request(std::string_view object, Timeout timeout = {}) {
    standpipe_message_view reply{};
    const int found = standpipe_request(&requester_, object.data(), object.size(), &reply,
                                        detail::client_timeout(timeout));
    if (found < 0) detail::throw_client_error(found, "request from " + path_);
    if (found == 0) return std::nullopt;
    return std::string_view(reinterpret_cast<const char*>(reply.data), reply.size);
  }
  // For a hub that runs as another user: 0620 or 0622.
  void mode(mode_t permissions) {
    if (const int error = standpipe_requester_mode(&requester_, permissions))
      detail::throw_client_error(error, "change the mode of the FIFO of replies");
  }
  const char* reply_to() const { return requester_.name; }
  std::uint64_t late() const { return requester_.late; }  // replies that came too late

 private:
  std::string path_;
  standpipe_requester requester_{};
};

// For a service: sends the object `body` with the request's reply_to and id. std::errc::no_message:
// the request is no JSON object with a reply_to.
inline void reply(Sender& out, std::string_view request, std::string_view body,
                  std::optional<std::chrono::milliseconds> timeout = {}) {
  const int error = standpipe_reply(out.abi(), request.data(), request.size(), body.data(),
                                    body.size(), detail::client_timeout(timeout));
  if (error) detail::throw_client_error(error, "reply");
}

}  // namespace standpipe
