// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "client.h"
#include "feed.h"
#include "offsets.h"
#include "settings.h"

namespace kafka {

// A member of a consumer group. Offsets are committed behind what the hub's handlers have, a few
// times a second. A death before that brings some records again, to whoever has the partition then.
//
// A member that does not ask the library for records is taken for dead after max.poll.interval.ms.
// While the hub has no room it does not poll, so a thread does it: it pauses the partitions, and
// serves what else there is. The library is asked for one record at a time, since its batches lose
// records around a pause (librdkafka issue 4208).
//
// Partitions that the group takes away are given back when the hub has settled what came from them,
// or after five seconds; then the next owner brings the rest again.
class GroupFeed : public Feed {
 public:
  GroupFeed(standpipe::Host host, const Settings& settings, std::vector<std::string> topics);
  GroupFeed(const GroupFeed&) = delete;
  GroupFeed& operator=(const GroupFeed&) = delete;
  ~GroupFeed() override;

  void open(std::string_view resume) override;
  void begin_poll() override;
  void end_poll() override;
  const rd_kafka_message_t* front() override;
  void pop(std::uint64_t sequence) override;
  bool wants_commits() const override { return revoked_ != nullptr; }
  int fd() const override { return client_->fd(); }
  void committed(std::uint64_t sequence) override;

 private:
  using Clock = std::chrono::steady_clock;

  // The record of a fetch lives as long as the event.
  struct Waiting {
    Event event;
    const rd_kafka_message_t* record;
  };

  void serve(Event event);
  void rebalance(Event event);
  void give_back_if_due();
  void give_back();
  void commit_if_due();
  void commit_now();
  bool send_commit(const rd_kafka_topic_partition_list_t& list);
  void look_at_answer(int wait_ms);
  void set_paused(bool is_paused);
  void keep_alive();
  void leave_group();

  standpipe::Host host_;
  const Settings& settings_;
  std::vector<std::string> topics_;
  std::unique_ptr<Client> client_;
  Offsets offsets_;
  std::deque<Waiting> waiting_;  // records that the library has handed over
  Event revoked_;                // the partitions that are to be given back
  Clock::time_point give_back_at_, commit_at_, polled_at_;
  bool is_paused_ = false, is_closing_ = false;
  Queue answers_;  // to the commit that is on its way; nullptr: there is none

  // A poll holds it from begin to end.
  std::mutex mutex_;
  std::condition_variable closing_;
  std::thread keeper_;
};

}  // namespace kafka
