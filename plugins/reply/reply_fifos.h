// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <list>
#include <mutex>
#include <optional>
#include <standpipe/open.hpp>
#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>

#include "common/fd.h"
#include "common/wake.h"
#include "reply_fifo.h"

// The FIFOs of many clients. A reply that finds no room waits here, and nobody waits with it: it is
// taken, and settled by a thread that waits for room in all such FIFOs at once. The thread sleeps
// while nothing waits.
//
// Bounded: so many FIFOs are open (the one that was not used for longest is closed for another),
// and replies of so many bytes wait. Where there is no room for one more, the client for which most
// bytes wait loses its last one.
class ReplyFifos {
 public:
  struct Settings {
    std::chrono::nanoseconds wait{0};
    std::size_t open_max = 0;
    std::size_t waiting_bytes_max = 0;
    bool reject_gone = false;  // dead-letter what nobody can get; else drop it
    standpipe::paths::Rules rules = {};
  };

  ReplyFifos(standpipe::Host host, Settings settings);
  ~ReplyFifos();
  ReplyFifos(const ReplyFifos&) = delete;
  ReplyFifos& operator=(const ReplyFifos&) = delete;

  void open();
  // delivered, taken, or filtered: nobody can get it. Throws reject where that is asked for.
  standpipe::Outcome send(const std::string& path, const standpipe::Message& message);
  // Until nothing waits any more.
  void flush(std::chrono::nanoseconds left);
  // What still waits is the router's again.
  void close();

 private:
  using Time = ReplyFifo::Time;
  static constexpr std::chrono::milliseconds kLockRetry{10};

  ReplyFifo& fifo_of(const std::string& path);
  void make_room_for_fifo();
  void forget(ReplyFifo& fifo);
  standpipe::Outcome keep(ReplyFifo& fifo, std::string frame, std::size_t written,
                          standpipe::Taken taken);
  bool make_room_for(ReplyFifo& fifo, std::size_t bytes);
  void watch(ReplyFifo& fifo);
  void unwatch(ReplyFifo& fifo);
  void write_waiting();
  void write_waiting_of(ReplyFifo& fifo, Time now);
  void drop_all(ReplyFifo& fifo, const std::string& why);
  enum class Which { first, last };
  // Settles a reply that waits. Without a reason it was delivered.
  void end(ReplyFifo& fifo, Which which, const std::string& why_gone);
  standpipe::Outcome gone(const std::string& why) const;
  int milliseconds_to_wait() const;
  void run();

  standpipe::Host host_;
  Settings settings_;
  common::Fd epoll_;
  std::optional<common::Wake> wake_;  // while it is open

  std::mutex mutex_;  // of all that follows
  std::condition_variable changed_;
  std::list<ReplyFifo> fifos_;  // the last used one first
  std::unordered_map<std::string, std::list<ReplyFifo>::iterator> by_path_;
  std::size_t waiting_ = 0, waiting_bytes_ = 0;
  bool lock_is_awaited_ = false;  // nothing announces that somebody unlocked a FIFO
  bool stops_ = false;
  std::thread thread_;
};
