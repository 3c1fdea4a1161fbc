// SPDX-License-Identifier: Apache-2.0
#include "partition_feed.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "topics.h"

namespace kafka {
namespace {

// Everything that is before the character, which is taken off, too.
std::string_view cut(std::string_view& text, char at) {
  const auto part = text.substr(0, text.find(at));
  text.remove_prefix(std::min(part.size() + 1, text.size()));
  return part;
}

std::int64_t number_of(std::string_view text) {
  std::int64_t number = -1;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

PartitionFeed::PartitionFeed(standpipe::Host host, const Settings& settings,
                             std::vector<std::string> topics, int partition)
    : host_(host), settings_(settings), topics_(std::move(topics)), partition_(partition) {}

PartitionFeed::~PartitionFeed() {
  event_.reset();
  for (const auto& [topic, partition] : started_) rd_kafka_consume_stop(topic, partition);
  handles_.clear();
}

void PartitionFeed::open(std::string_view resume) {
  read(resume);
  client_ = std::make_unique<Client>(host_, Client::Kind::partition_consumer, settings_.consumer());
  wait_for_broker(*client_, Served::here, host_);
  for (const auto& topic : topics_) start(topic);
}

void PartitionFeed::read(std::string_view resume) {
  while (!resume.empty()) {
    auto line = cut(resume, '\n');
    const auto topic = cut(line, ' ');
    const auto partition = number_of(cut(line, ' '));
    const auto offset = number_of(line);
    if (partition < 0 || offset < 0)
      throw standpipe::fatal("what the hub remembers of its offsets makes no sense: '" +
                             std::string(topic) + "'");
    next_[{std::string(topic), static_cast<int>(partition)}] = offset;
  }
}

void PartitionFeed::start(const std::string& topic) {
  const auto count = partitions_of(*client_, topic, Served::here, host_);
  if (partition_ >= count)
    throw standpipe::fatal("partition: topic '" + topic + "' has " + std::to_string(count) +
                           ", numbered from 0; write one of them, or -1 for all");
  auto* const handle = rd_kafka_topic_new(client_->get(), topic.c_str(), nullptr);
  handles_.emplace_back(handle);
  const int first = partition_ < 0 ? 0 : partition_;
  const int last = partition_ < 0 ? count - 1 : partition_;
  for (int i = first; i <= last; ++i) {
    const auto known = next_.find({topic, i});
    const auto offset = known == next_.end() ? settings_.first_offset() : known->second;
    if (rd_kafka_consume_start_queue(handle, i, offset, client_->queue()) != 0)
      throw standpipe::disconnected("topic '" + topic + "', partition " + std::to_string(i) + ": " +
                                    rd_kafka_err2str(rd_kafka_last_error()));
    started_.emplace_back(handle, i);
  }
  if (resume_bytes() > STANDPIPE_RESUME_BYTES_MAX)
    throw standpipe::fatal(
        "these are too many partitions for the hub to keep the offsets of; give it a group_id");
}

const rd_kafka_message_t* PartitionFeed::front() {
  client_->failure().throw_it();
  while (!record_) {
    event_ = client_->next_or_clear();
    client_->failure().throw_it();
    if (!event_) return nullptr;
    if (rd_kafka_event_type(event_.get()) != RD_KAFKA_EVENT_FETCH) continue;
    record_ = rd_kafka_event_message_next(event_.get());
    client_->is_up();
  }
  return record_;
}

void PartitionFeed::pop(std::uint64_t) {
  const std::string_view topic = rd_kafka_topic_name(record_->rkt);
  if (!last_ || last_->first.second != record_->partition || last_->first.first != topic)
    last_ = &*next_.try_emplace({std::string(topic), record_->partition}).first;
  last_->second = record_->offset + 1;
  record_ = nullptr;
  event_.reset();
}

std::string PartitionFeed::resume() const {
  std::string text;
  for (const auto& [place, offset] : next_)
    text += place.first + ' ' + std::to_string(place.second) + ' ' + std::to_string(offset) + '\n';
  return text;
}

std::size_t PartitionFeed::resume_bytes() const {
  std::size_t bytes = 0;
  for (const auto& [topic, partition] : started_)
    bytes += std::string_view(rd_kafka_topic_name(topic)).size() +
             std::to_string(partition).size() + 2 + std::to_string(INT64_MAX).size() + 1;
  return bytes;
}

}  // namespace kafka
