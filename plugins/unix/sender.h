// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <standpipe/plugin.hpp>
#include <string>
#include <thread>
#include <vector>

#include "common/wake.h"
#include "listener.h"
#include "outbox.h"
#include "outlet.h"
#include "poller.h"
#include "settings.h"

namespace unix_socket {

// The thread of a handler that sends: it gives blocks to connections, writes, reads
// acknowledgements and settles. Nothing in it waits but epoll.
//
// As a server it keeps its socket from one open to the next, so that clients which come while the
// host waits to open it again are not turned away. What a client had and did not finish is given to
// the others. The loss of the last one ends it: then the host redelivers.
class Sender {
 public:
  Sender(standpipe::Host host, const Settings& settings);

  // Throws standpipe::disconnected where nobody is there to send to. That the other end has not
  // greeted yet only means that there is no room.
  void open();
  void close();
  Outbox& outbox() { return outbox_; }
  void push(BlockPtr block);

 private:
  using Clock = std::chrono::steady_clock;
  using Id = Poller::Id;

  void wait_for_client();

  // ---- its thread
  void run();
  void loop();
  void wait(bool has_more);
  void on_event(Id id, std::uint32_t events);
  void accept();
  void add(Connection connection);
  void update_ready();
  void distribute();
  Outlet* pick();
  void write_all();
  void check_times();
  void drop(Id id, const std::string& why);
  void take_back(Outlet& outlet);
  void finished(const BlockPtr& block, std::size_t end);
  void settle(const BlockPtr& block, std::size_t end);

  standpipe::Host host_;
  const Settings& settings_;
  Outbox outbox_;
  Outlet::Events events_;
  std::unique_ptr<Listener> listener_;
  Poller poller_;
  std::optional<common::Wake> wake_;  // while it is open
  std::thread thread_;
  std::atomic<bool> is_over_ = false;
  bool was_alone_ = false;  // when it was opened last

  std::map<Id, Outlet> outlets_;
  std::deque<BlockPtr> waiting_;  // for a connection that takes them
  std::vector<Id> unread_;        // connections that said more than a turn takes
  Id next_id_ = 0;
  std::uint64_t next_sequence_ = 1;
  bool is_full_ = false;  // connections_max: who comes now waits in the backlog
};

}  // namespace unix_socket
