// SPDX-License-Identifier: Apache-2.0
#include "source.h"

#include <sstream>
#include <string>

#include "group_feed.h"
#include "partition_feed.h"
#include "topics.h"

namespace kafka {
namespace {

using standpipe::Poll;
using std::chrono::milliseconds;
constexpr auto kLook = milliseconds(500);  // at what the library does without its descriptor
constexpr auto kCommitPause = milliseconds(10);

std::vector<std::string> topics_of(const standpipe::Options& options) {
  std::vector<std::string> topics;
  std::istringstream names(options.text("topic"));
  for (std::string name; std::getline(names, name, ',');) {
    std::erase(name, ' ');
    const bool is_pattern = name.starts_with('^');
    if (is_pattern && options.text("group_id").empty())
      throw standpipe::fatal("topic: a pattern (" + name +
                             ") needs a group; set group_id, or name the topics");
    const auto fault = is_pattern ? std::string() : topic_name_fault(name);
    if (!fault.empty()) throw standpipe::fatal("topic: '" + name + "': " + fault);
    topics.push_back(name);
  }
  if (topics.empty()) throw standpipe::fatal("topic: " + topic_name_fault(""));
  return topics;
}

std::string place_of(const rd_kafka_message_t& record) {
  return "topic '" + std::string(rd_kafka_topic_name(record.rkt)) + "', partition " +
         std::to_string(record.partition) + ", offset " + std::to_string(record.offset);
}

}  // namespace

KafkaSource::KafkaSource(const standpipe::Options& options)
    : host_(options.host()),
      settings_(options),
      topics_(topics_of(options)),
      partition_(static_cast<int>(options.integer("partition"))) {
  if (partition_ >= 0 && !settings_.group().empty())
    throw standpipe::fatal("partition: a group says who reads which; remove it, or group_id");
}

void KafkaSource::open(std::string_view resume) {
  feed_.reset();
  if (settings_.group().empty())
    feed_ = std::make_unique<PartitionFeed>(host_, settings_, topics_, partition_);
  else
    feed_ = std::make_unique<GroupFeed>(host_, settings_, topics_);
  try {
    feed_->open(resume);
  } catch (...) {
    feed_.reset();
    throw;
  }
}

// Also what was put before an exception is committed, so where to go on is said before it.
void KafkaSource::poll(Poll& poll) {
  has_put_ = false;
  feed_->begin_poll();
  const auto end = [&] {
    feed_->end_poll();
    if (!has_put_) return;
    const auto resume = feed_->resume();
    if (!resume.empty()) poll.resume(resume);
  };
  try {
    put_all(poll);
  } catch (...) {
    end();
    throw;
  }
  end();
}

void KafkaSource::put_all(Poll& poll) {
  while (poll.has_credit()) {
    if (const auto* record = feed_->front()) {
      if (!put(poll, *record)) return;
      continue;
    }
    if (feed_->wants_commits()) {
      poll.wait(Poll::Clock::now() + kCommitPause);
      return;
    }
    if (poll.wait(feed_->fd(), Poll::Clock::now() + kLook) == Poll::Woken::over) return;
  }
}

// A record that the hub never has room for is left out, and stays in Kafka, where its place is
// said: nobody else could be told.
bool KafkaSource::put(Poll& poll, const rd_kafka_message_t& record) {
  incoming_.look_at(record);
  const auto answer = poll.put(incoming_.payload(), incoming_.meta());
  if (answer == standpipe::Put::full) return false;
  has_put_ = true;
  if (answer == standpipe::Put::ok) {
    if (incoming_.is_cut()) say_cut(record);
    feed_->pop(poll.sequence());
  } else {
    host_.error("left out, and still in Kafka: " + place_of(record) + ": " +
                standpipe::Host::too_large(incoming_.payload(), incoming_.meta()));
    feed_->pop(0);
  }
  return true;
}

// At the 1st, 2nd, 4th, 8th ... of them.
void KafkaSource::say_cut(const rd_kafka_message_t& record) {
  ++cut_;
  if ((cut_ & (cut_ - 1)) == 0)
    host_.warning("headers or a key are left out, which are more metadata than a hub takes: " +
                  place_of(record) + " (" + std::to_string(cut_) + " such records)");
}

void KafkaSource::committed(std::uint64_t sequence) {
  if (feed_) feed_->committed(sequence);
}

}  // namespace kafka
