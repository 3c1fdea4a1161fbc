// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <librdkafka/rdkafka.h>

#include <atomic>
#include <memory>
#include <standpipe/plugin.hpp>
#include <string>

#include "common/wake.h"
#include "failure.h"
#include "settings.h"

namespace kafka {

struct EventDestroy {
  void operator()(rd_kafka_event_t* event) const { rd_kafka_event_destroy(event); }
};
struct QueueDestroy {
  void operator()(rd_kafka_queue_t* queue) const { rd_kafka_queue_destroy(queue); }
};
struct TopicDestroy {
  void operator()(rd_kafka_topic_t* topic) const { rd_kafka_topic_destroy(topic); }
};
struct PartitionsDestroy {
  void operator()(rd_kafka_topic_partition_list_t* list) const {
    rd_kafka_topic_partition_list_destroy(list);
  }
};
using Event = std::unique_ptr<rd_kafka_event_t, EventDestroy>;
using Queue = std::unique_ptr<rd_kafka_queue_t, QueueDestroy>;
using Topic = std::unique_ptr<rd_kafka_topic_t, TopicDestroy>;
using Partitions = std::unique_ptr<rd_kafka_topic_partition_list_t, PartitionsDestroy>;

// A producer or consumer of the library, with the queue in which it says all that it has to say.
// Its threads connect, and connect again, by themselves; nothing here waits but the end, which the
// library can keep waiting (librdkafka issue 4724): after two seconds it is left to itself.
class Client {
 public:
  enum class Kind { producer, group_consumer, partition_consumer };

  Client(standpipe::Host host, Kind kind, Conf conf);  // throws standpipe::fatal
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  rd_kafka_t* get() const { return client_; }
  rd_kafka_queue_t* queue() const { return queue_.get(); }
  Failure& failure() { return failure_; }
  const standpipe::Host& host() const { return host_; }

  // Readable when the queue has something that next_or_clear has not looked at.
  int fd() const { return has_some_.fd(); }

  // Takes the next event for whoever wants it; errors and lines of its log are served here.
  Event next(int wait_ms);
  // The same without waiting. Where there is none, the descriptor is not readable any more.
  Event next_or_clear();
  // No broker could be reached when it was last heard of.
  bool is_down() const { return is_down_; }
  // Something came from a broker.
  void is_up();
  // What the fatal error of the library was, or the error's own text.
  std::string text_of(rd_kafka_resp_err_t error) const;

 private:
  void serve_error(rd_kafka_event_t& event);
  void fail_for_good(const std::string& text);
  void serve_log(rd_kafka_event_t& event);

  standpipe::Host host_;
  Failure failure_;
  common::Wake has_some_;
  rd_kafka_t* client_ = nullptr;
  Queue queue_;
  std::atomic<bool> is_down_ = false;
};

}  // namespace kafka
