// SPDX-License-Identifier: Apache-2.0
#include "offsets.h"

#include <algorithm>

namespace kafka {

std::uint32_t Offsets::index_of(const rd_kafka_message_t& record) {
  const auto [found, is_new] = indexes_.try_emplace({record.rkt, record.partition},
                                                    static_cast<std::uint32_t>(partitions_.size()));
  if (is_new) partitions_.push_back({rd_kafka_topic_name(record.rkt), record.partition});
  return found->second;
}

void Offsets::add(std::uint64_t sequence, const rd_kafka_message_t& record) {
  open_.add(sequence, {index_of(record), record.offset});
}

void Offsets::release(std::uint64_t sequence) {
  open_.release(sequence, [&](const Place& place) {
    auto& partition = partitions_[place.partition];
    partition.next = place.offset + 1;
    partition.is_new = has_news_ = true;
  });
}

Partitions Offsets::take_news() {
  if (!has_news_) return nullptr;
  Partitions list(rd_kafka_topic_partition_list_new(static_cast<int>(partitions_.size())));
  for (auto& partition : partitions_) {
    if (!partition.is_new) continue;
    rd_kafka_topic_partition_list_add(list.get(), partition.topic.c_str(), partition.number)
        ->offset = partition.next;
    partition.is_new = false;
  }
  has_news_ = false;
  return list;
}

void Offsets::again(const rd_kafka_topic_partition_list_t& list) {
  for (auto& partition : partitions_) {
    const bool was_there =
        rd_kafka_topic_partition_list_find(const_cast<rd_kafka_topic_partition_list_t*>(&list),
                                           partition.topic.c_str(), partition.number);
    if (was_there) partition.is_new = has_news_ = true;
  }
}

void Offsets::clear() {
  indexes_.clear();
  partitions_.clear();
  open_.clear();
  has_news_ = false;
}

}  // namespace kafka
