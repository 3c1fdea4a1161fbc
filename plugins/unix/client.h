// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "connection.h"
#include "inbox.h"
#include "packets.h"
#include "wire.h"

namespace unix_socket {

// A connection that a source reads from. It never waits. One thread.
//
// `next` gives a message, `pop` leaves it behind; where there is none, `read` may bring some. What
// the hub has no room for stays: bytes in the inbox, packets in `waiting_`.
class Client {
 public:
  // The other end says what it may not.
  struct Broken {
    std::string why;
  };
  struct Message {
    Parts parts;
    std::string too_large = {};  // why it cannot be brought
  };

  Client(Connection connection, const Wire& wire, Packets* packets, bool brings_credentials);

  const Credentials& who() const { return connection_.who; }

  // ---- in
  bool is_readable() const { return is_readable_; }
  void mark_readable() { is_readable_ = true; }
  bool is_at_end() const { return is_at_end_; }
  void read(std::size_t messages_most);
  // nullopt: nothing is complete. It is borrowed until the next call. Throws Broken.
  std::optional<Message> next();
  void pop();
  // Of a message: its own, and who sent it, which nothing in it can replace.
  standpipe::Meta meta(const Parts& parts);
  // Packets that were read are copied, since the next connection needs their room.
  void keep();
  std::size_t left() const;  // bytes that were read and not brought

  // ---- out
  void acknowledge(std::uint64_t sequence);
  void reject(std::uint64_t sequence, std::string_view why);
  // As far as the socket takes them: later again.
  void send_answers();
  bool has_answers() const { return !to_send_.empty() || wanted_ > told_; }

 private:
  struct Kept {
    std::string bytes;
    std::size_t size = 0;  // as it was sent
  };
  std::optional<Message> next_line();
  std::optional<Message> next_frame();
  std::optional<Message> next_packet();
  std::optional<Message> message_in(std::string_view bytes) const;
  void take_greeting(std::string_view bytes);

  Connection connection_;
  const Wire& wire_;
  Packets* packets_;  // of a seqpacket socket; lent
  Inbox inbox_;
  std::deque<Kept> waiting_;
  std::size_t size_ = 0;      // of the message that `next` gave, in the inbox
  std::size_t searched_ = 0;  // of a line that is not complete
  bool is_readable_ = true, is_at_end_ = false, has_greeting_ = false;
  std::vector<std::string> credentials_;  // names and values
  std::vector<standpipe_pair> pairs_;
  std::deque<std::string> to_send_;      // the first may be sent in part
  std::uint64_t wanted_ = 0, told_ = 0;  // acknowledged up to
};

}  // namespace unix_socket
