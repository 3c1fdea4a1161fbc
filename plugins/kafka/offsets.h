// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "client.h"
#include "common/unacknowledged.h"

namespace kafka {

// Which offsets of a group may be committed: those behind records that the hub's handlers have. A
// record is remembered from its put until then, 24 bytes each; a partition for as long as it is
// assigned. One thread at a time.
class Offsets {
 public:
  void add(std::uint64_t sequence, const rd_kafka_message_t& record);
  void release(std::uint64_t sequence);  // all up to there are safe
  bool has_open() const { return !open_.empty(); }
  bool has_news() const { return has_news_; }
  // What was released since the last call; nullptr: nothing.
  Partitions take_news();
  // A commit did not come through: what it had is news again.
  void again(const rd_kafka_topic_partition_list_t& list);
  void clear();  // the partitions are somebody else's

 private:
  struct Partition {
    std::string topic;
    std::int32_t number = 0;
    std::int64_t next = -1;  // behind the last safe record
    bool is_new = false;     // next was not committed yet
  };
  struct Place {
    std::uint32_t partition;  // of partitions_
    std::int64_t offset;
  };
  std::uint32_t index_of(const rd_kafka_message_t& record);

  // By the library's handle, which is the same for a topic as long as it is consumed.
  std::map<std::pair<const rd_kafka_topic_t*, std::int32_t>, std::uint32_t> indexes_;
  std::vector<Partition> partitions_;
  common::Unacknowledged<Place> open_;
  bool has_news_ = false;
};

}  // namespace kafka
