// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

// The messages that a source holds: received, and not deleted yet. Each is leased: when its
// visibility timeout ends, others get it. So leases are renewed when half of that time is over.
//
// A message whose lease ran out all the same, as in an outage, may be received again while it is
// held. It keeps its number then and has the new receipt, so it is not brought twice.
//
// Memory: about 700 bytes a message, most of it the receipt handle. One thread at a time.
class Leases {
 public:
  using Clock = std::chrono::steady_clock;
  using Number = std::uint64_t;
  struct Lease {
    Number number;
    std::string receipt_handle;
  };

  // Of leases that begin or are renewed from now on.
  void set_duration(std::chrono::seconds duration) { duration_ = duration; }

  // nullopt: it is held already.
  std::optional<Number> add(const std::string& message_id, std::string receipt_handle);
  // As it is now; nullopt: it is not held.
  std::optional<Lease> find(Number number) const;
  void remove(Number number);
  // Those whose renewal is due, at most so many; they are due again after another half of the time.
  std::vector<Lease> due(Clock::time_point now, std::size_t most);
  Clock::time_point next_due() const;

  std::size_t size() const { return held_.size(); }

 private:
  struct Held {
    std::string message_id;
    std::string receipt_handle;
  };
  struct Renewal {
    Clock::time_point at;
    Number number;
  };

  std::chrono::seconds duration_{30};
  Number last_ = 0;
  std::unordered_map<Number, Held> held_;
  std::unordered_map<std::string, Number> by_message_id_;
  std::deque<Renewal> renewals_;  // in order of time; may name messages that are not held any more
};
