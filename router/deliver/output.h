// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/file_id.h"
#include "base/limits.h"
#include "base/reporter.h"
#include "deliver/endpoint.h"
#include "deliver/fifo_endpoint.h"
#include "deliver/file_endpoint.h"
#include "deliver/send_queue.h"
#include "keeper/link.h"
#include "state/persistent.h"

namespace standpipe::deliver {

using OutputRequest = std::variant<plugin::FifoOutputRequest, plugin::FileOutputRequest>;

// What an output needs of the hub around it. All must outlive it.
struct OutputNeeds {
  Reporter& reporter;
  Senders& senders;
  SettlementObserver& observer;
  PipeSizes pipes = {};
};

// Moves whole messages of one or more deliveries to one place, in turn, exactly once. What is to be
// sent waits in a SendQueue, and an Endpoint moves it. Output decides when: as long as the endpoint
// takes something, for a bounded time, so that others have their turn, and on a timer that backs
// off while it waits for something that nobody announces (a reader that comes, or that takes from a
// pipe which is not full).
class Output {
 public:
  using Made = FifoEndpoint::Made;
  // Any thread. Throws Failure when the FIFO cannot be made.
  Output(const OutputRequest& request, const OutputNeeds& needs, Made made = Made::now);
  // What all outputs of an earlier worker were asked for, by their index.
  static std::vector<OutputRequest> requests_in(const state::Memory& memory);
  // Of an output that an earlier worker left and nobody has now: whether it has nothing to send,
  // and then its end. The caller commits; then its descriptors are to be forgotten.
  static bool is_idle(state::Memory& memory, const std::string& path);
  static void remove(state::Memory& memory, const std::string& path);
  // Makes its state persistent, or recovers what an earlier worker left: on the loop, before
  // anything else. `index`: its number.
  void attach(state::Memory& memory, keeper::Link& link, std::uint32_t index);
  bool is_attached() const { return queue_.has_value(); }
  std::uint32_t index() const { return index_; }

  const std::string& path() const { return endpoint_->path(); }
  FileId id() const { return endpoint_->id(); }
  bool created() const { return endpoint_->created(); }
  int fd() const { return endpoint_->fd(); }  // -1 while nobody reads it
  // Counts up whenever fd() is another one: time to register it with epoll.
  unsigned openings() const { return endpoint_->openings(); }
  std::uint32_t events() const { return endpoint_->events(); }  // that it waits for there
  // Where it sends to; nullptr: elsewhere.
  FifoEndpoint* fifo() const { return fifo_; }
  FileEndpoint* file() const { return file_; }

  // ---- for handlers
  bool accepts() const { return queue_->accepts(expects_); }
  // Whether the plugin may be called: it does not look at what the hub is at.
  bool is_quiet() const { return endpoint_->is_quiet(); }
  // A batch is with a plugin, and may come back to be sent.
  void expect() { ++expects_; }
  void expected() { --expects_; }
  // The range is open in the delivery; `bytes` is its length on the wire.
  void send(const Delivery& delivery, const Range& range, std::uint64_t bytes) {
    go_on();
    was_recalled_ = false;
    queue_->push(delivery, range, bytes);
  }

  // ---- for the loop
  // Moves what can be moved now. Returns true when it stopped for fairness and wants another turn.
  bool pump(Nanoseconds now);
  // epoll said something about fd().
  void on_event(std::uint32_t events, Nanoseconds now);
  // When to call pump though nothing happens; empty: no need.
  std::optional<Nanoseconds> wake_at() const { return wake_at_; }
  // A log is full and waits for what this output holds: look more often.
  void hurry(Nanoseconds now);
  bool idle() const { return queue_->empty(); }
  std::size_t pending() const { return queue_->size(); }
  // Everything that was asked for has moved to a peer that is alive.
  bool all_moved() const;
  // Looks for what nobody announces. Returns when to look again.
  Nanoseconds visit(Nanoseconds now);

  // Since when it has waited for a reader of its FIFO; nullopt: it does not.
  std::optional<Nanoseconds> unread_since() const { return unread_since_; }
  // Nobody reads it: what it has goes back to its deliveries, to be sent again. true: something
  // did. A log that is full must not wait for a reader that may never come.
  bool recall();
  // Nobody will send to it any more. What its reader takes until then is delivered; the rest goes
  // back to the deliveries: at once when nobody reads it.
  void end_by(Nanoseconds when, Nanoseconds now);
  // If it has ended so, and has nothing left, its FIFO is closed. Nobody may ask for it just now.
  void close_if_ended();
  // A handler has it after all.
  void go_on() {
    ends_at_.reset();
    is_closed_ = false;
  }

  // The hub stops soon: no further message is started; one that has moved in part is still to be
  // pumped.
  void finish_frame();
  // The hub ends, and nothing is pumped any more: whole messages that a live peer has or will take
  // count as delivered.
  void stop();

 private:
  // How soon to look for a reader that takes from a pipe that is not full, at first and at most.
  static constexpr Nanoseconds kPollFirst = std::chrono::milliseconds(1);
  static constexpr Nanoseconds kPollLast = std::chrono::seconds(1);

  // How soon to visit it again, at first and at most.
  static constexpr Nanoseconds kVisitFirst = std::chrono::seconds(1);
  static constexpr Nanoseconds kVisitLast = std::chrono::seconds(5);

  // What a later worker makes the same output from.
  struct OutputRecord {
    std::uint32_t is_file;
    std::uint32_t mode, create, resend, trust;  // of a FIFO
  };
  static OutputRecord record_of(const OutputRequest& request);
  static OutputRequest request_of(const std::string& path, const OutputRecord& record);

  void sample();
  void end_if_due(Nanoseconds now);
  bool move(Nanoseconds now);
  void lose_peer(Nanoseconds now);
  bool make_ready(Nanoseconds now);
  void on_final(const Delivery& delivery, const Range& part);
  void wake_by(std::optional<Nanoseconds> when);
  void wait_more(Nanoseconds now, Nanoseconds most);

  OutputRecord request_;
  OutputNeeds needs_;
  std::unique_ptr<Endpoint> endpoint_;
  FifoEndpoint* fifo_ = nullptr;
  FileEndpoint* file_ = nullptr;
  state::Memory* memory_ = nullptr;
  std::uint32_t index_ = 0;
  std::optional<SendQueue> queue_;
  std::size_t expects_ = 0;
  bool missing_peer_reported_ = false;
  std::optional<Nanoseconds> unread_since_;
  bool was_recalled_ = false;           // what it had to send, and will have again
  bool hurried_ = false;                // a full log waits for what the peer takes
  Nanoseconds now_{0};                  // as the loop said last
  std::optional<Nanoseconds> ends_at_;  // `end_by`
  bool is_closed_ = false;              // `close_if_ended`
  Nanoseconds pause_{0};
  Nanoseconds visit_pause_ = kVisitFirst / 2;
  std::optional<Nanoseconds> wake_at_;
};

}  // namespace standpipe::deliver
