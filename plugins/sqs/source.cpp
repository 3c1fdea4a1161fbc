// SPDX-License-Identifier: Apache-2.0
#include "source.h"

#include <mutex>
#include <utility>
#include <vector>

using Woken = standpipe::Poll::Woken;

SqsSource::SqsSource(const standpipe::Options& options)
    : host_(options.host()), place_(options), settings_(options) {}

void SqsSource::open() {
  auto queue = std::make_unique<Queue>(host_, place_);
  receiver_ = std::make_unique<Receiver>(host_, std::move(queue), settings_, holding_);
}

void SqsSource::poll(standpipe::Poll& poll) {
  while (put_all(poll)) {
    receiver_->check();
    if (poll.wait(receiver_->ready_fd()) != Woken::ready) return;
  }
}

// false: there is no room for more.
bool SqsSource::put_all(standpipe::Poll& poll) {
  while (poll.has_credit()) {
    auto leased = receiver_->take();
    if (!leased) return true;
    if (put(poll, *leased)) continue;
    receiver_->put_back(std::move(*leased));
    return false;
  }
  return false;
}

// A message that never fits is not deleted: SQS redelivers it, and moves it to the queue's dead
// letters if it has such a queue.
bool SqsSource::put(standpipe::Poll& poll, const LeasedMessage& leased) {
  const auto& message = leased.message;
  std::vector<standpipe::Pair> meta;
  for (const auto& [name, value] : message.metadata) meta.emplace_back(name, value);
  const auto answer = poll.put(message.payload, meta);
  if (answer == standpipe::Put::full) return false;
  if (answer == standpipe::Put::ok) {
    unacknowledged_.add(poll.sequence(), leased.number);
    return true;
  }
  host_.error("message " + message.message_id + " of " + place_.queue() +
              " is left in the queue: " + standpipe::Host::too_large(message.payload, meta));
  const std::lock_guard lock(holding_.mutex);
  holding_.leases.remove(leased.number);
  return true;
}

void SqsSource::committed(std::uint64_t sequence) {
  {
    const std::lock_guard lock(holding_.mutex);
    unacknowledged_.release(sequence,
                            [&](Leases::Number number) { holding_.to_delete.push_back(number); });
  }
  receiver_->wake();
}
