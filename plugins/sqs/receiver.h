// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <standpipe/plugin.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/wake.h"
#include "leases.h"
#include "queue.h"
#include "received.h"

struct LeasedMessage {
  Leases::Number number;
  ReceivedMessage message;
};

// What a source holds beyond an outage, which ends no lease.
struct Holding {
  std::mutex mutex;
  Leases leases;
  std::deque<LeasedMessage> ready;       // received, and not put yet
  std::deque<Leases::Number> to_delete;  // settled, and SQS does not know it yet
};

// Receives, deletes and renews leases from a thread of its own, since leases must be renewed also
// while the hub has no room for messages.
//
//   long polls (`receivers` of them) -> Holding::ready -> the hub -> Holding::to_delete -> deleted
//
// Bounds: about 20 messages a receiver are ready or on their way; none are fetched while
// `max_in_flight` are held. After trouble, which `check` throws, it does nothing any more: a new
// one is made at the next opening.
class Receiver {
 public:
  Receiver(standpipe::Host host, std::unique_ptr<Queue> queue, const ReceiveSettings& settings,
           Holding& holding);
  // Deletes what is settled and gives back what was not put, for a second at most.
  ~Receiver();
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  // The next message, once there is one.
  std::optional<LeasedMessage> take();
  // What does not fit now is the next one again.
  void put_back(LeasedMessage message);
  // Becomes readable when there is a message or trouble; take() makes it unreadable when there is
  // neither.
  int ready_fd() const { return has_some_.fd(); }
  // What is in Holding has changed.
  void wake() { queue_->client().wake(); }
  // Throws standpipe::disconnected or fatal once that is so.
  void check() const;

 private:
  using Clock = std::chrono::steady_clock;
  enum class Kind { receive, remove, renew, give_back };
  struct Task {  // a request that is running or waits to be sent again
    Kind kind;
    std::vector<Leases::Lease> leases = {};
    std::size_t attempts = 0;
    std::optional<Clock::time_point> again_at = {};
  };

  void run();
  void work(Clock::time_point until);
  void end_well();
  void begin_tasks();
  void begin_removals();
  void begin(Task task);
  void start(std::uint64_t id, Task& task);
  std::string body_of(const Task& task) const;
  std::size_t count(Kind kind) const;
  bool may_receive() const;
  Clock::time_point next_event() const;
  void start_again();
  void finish(const Reply& reply);
  void receive(const Reply& reply);
  void remove(const Task& task, const Reply& reply);
  void keep_or_forget(const Leases::Lease& lease, const JsonValue& failure);
  void renew(const Reply& reply);
  void fail(Trouble trouble);

  standpipe::Host host_;
  std::unique_ptr<Queue> queue_;
  const ReceiveSettings& settings_;
  std::chrono::seconds visibility_timeout_;
  Holding& holding_;  // its mutex is also that of the next two
  bool is_over_ = false;
  Trouble trouble_;
  std::map<std::uint64_t, Task> tasks_;
  std::uint64_t last_task_ = 0;
  std::uint64_t random_;
  common::Wake has_some_;
  std::thread thread_;
};
