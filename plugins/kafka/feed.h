// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <librdkafka/rdkafka.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace kafka {

// Where the records of a source come from, and what remembers which of them the hub has: a
// consumer group (GroupFeed), or partitions whose offsets the hub keeps (PartitionFeed). The calls
// of a source, one at a time.
class Feed {
 public:
  virtual ~Feed() = default;

  virtual void open(std::string_view resume) = 0;  // throws as a source does
  virtual void begin_poll() = 0;
  virtual void end_poll() = 0;
  // The record that is next, the same one until it was taken; nullptr: there is none now. Throws as
  // a source does.
  virtual const rd_kafka_message_t* front() = 0;
  // The hub has put it under that sequence; or it never will (0).
  virtual void pop(std::uint64_t sequence) = 0;
  // front() has to be asked again, though the descriptor says nothing: the feed waits for what was
  // put to be committed, so the poll is to end.
  virtual bool wants_commits() const { return false; }
  // Readable when front() may have something.
  virtual int fd() const = 0;
  // What the hub keeps with the messages; empty: nothing.
  virtual std::string resume() const { return {}; }
  virtual void committed(std::uint64_t sequence) = 0;
};

}  // namespace kafka
