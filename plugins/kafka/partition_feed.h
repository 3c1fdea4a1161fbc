// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client.h"
#include "feed.h"
#include "settings.h"

namespace kafka {

// Partitions without a group: where it has come in each of them is text that the hub keeps in the
// same commit as the messages, so every record comes exactly once, whatever dies. Nothing is
// written to Kafka. The partitions are those that the topics have when it opens.
//
// The text is a line for each partition, "TOPIC PARTITION OFFSET", of the next record.
class PartitionFeed : public Feed {
 public:
  // partition -1: all of them.
  PartitionFeed(standpipe::Host host, const Settings& settings, std::vector<std::string> topics,
                int partition);
  PartitionFeed(const PartitionFeed&) = delete;
  PartitionFeed& operator=(const PartitionFeed&) = delete;
  ~PartitionFeed() override;

  void open(std::string_view resume) override;
  void begin_poll() override {}
  void end_poll() override {}
  const rd_kafka_message_t* front() override;
  void pop(std::uint64_t sequence) override;
  int fd() const override { return client_->fd(); }
  std::string resume() const override;
  void committed(std::uint64_t) override {}

 private:
  using Place = std::pair<std::string, int>;  // topic, partition

  void read(std::string_view resume);
  void start(const std::string& topic);
  std::size_t resume_bytes() const;  // the most that resume() can have

  standpipe::Host host_;
  const Settings& settings_;
  std::vector<std::string> topics_;
  int partition_;
  std::unique_ptr<Client> client_;
  std::vector<Topic> handles_;
  std::vector<std::pair<rd_kafka_topic_t*, int>> started_;
  std::map<Place, std::int64_t> next_;
  std::pair<const Place, std::int64_t>* last_ = nullptr;  // of next_, of the last record
  Event event_;
  const rd_kafka_message_t* record_ = nullptr;  // of event_
};

}  // namespace kafka
