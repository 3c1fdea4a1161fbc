// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "control/listener.h"

namespace standpipe::control {

// Answers requests at a control socket, from the loop of its owner, who watches one descriptor and
// is never kept waiting.
//
//   client: "stats json\n"            one line, at most kControlRequestBytesMax
//   server: "ok 123\n" + 123 bytes    or "error: why\n"; then it closes
//
// The length is there so that an answer that a dying hub left incomplete is not taken for a whole
// one. Requests are words; a new meaning gets a new word, so old commands and new hubs understand
// each other or say what they do not know.
//
// Only the user of this process and root are answered (the kernel says who connects), whatever
// became of the file's mode. `fd` is an epoll descriptor of the server's own. It may be watched
// edge-triggered: what one on_event leaves over is announced anew. Each on_event does a bounded
// piece of work.
class Server {
 public:
  // Throws Failure when there is no answer; the client gets its text.
  using Answer = std::function<std::string(std::string_view request)>;

  Server(Listener listener, const Clock& clock, Answer answer);

  int fd() const { return epoll_.get(); }  // watch it for EPOLLIN
  void on_event();
  Listener& listener() { return listener_; }
  // Where the socket's file was taken away it is made again, and new clients come there; those that
  // are connected stay. false: nothing was to be done. Throws Failure, also when another hub
  // listens there by now.
  bool listen_again();

 private:
  struct Client {
    Fd fd;
    std::string request = {};
    std::string answer = {};
    std::size_t sent = 0;
    Nanoseconds moved{0};  // when bytes last came or went
  };
  using Slot = std::optional<Client>;

  bool accept();
  void admit(Fd fd);
  Slot* free_slot();
  void serve(Slot& place);
  void read_request(Slot& place);
  void answer_to(std::string_view request, Slot& place);
  void send_answer(Slot& place);
  std::size_t bytes_pending() const;
  bool watch(int operation, const Slot& place, std::uint32_t events);

  Listener listener_;
  const Clock& clock_;
  Answer answer_;
  Fd epoll_;
  Fd nudge_;  // eventfd: announces work that was left over
  std::array<Slot, kControlClientsMax> clients_;
};

}  // namespace standpipe::control
