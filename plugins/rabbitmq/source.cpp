// SPDX-License-Identifier: Apache-2.0
#include "source.h"

using standpipe::Poll;
using standpipe::Put;

RabbitSource::RabbitSource(const standpipe::Options& options)
    : host_(options.host()),
      broker_(options),
      queue_(options),
      exchange_(short_text(options, "exchange")),
      binding_keys_(options.list("binding_keys")),
      prefetch_count_(static_cast<unsigned>(options.integer("prefetch_count"))) {
  if (queue_.name.empty()) throw standpipe::fatal("queue: a source needs one; name it");
  if (exchange_.empty() && !binding_keys_.empty())
    throw standpipe::fatal("binding_keys: they need the name of an exchange; set exchange");
  if (exchange_.find_first_of("{}") != std::string::npos)
    throw standpipe::fatal("exchange: a source's queue is bound to one exchange; write its name");
  for (const auto& key : binding_keys_)
    if (key.size() > kShortMax)
      throw standpipe::fatal("binding_keys: one has more than 255 bytes, which AMQP allows");
  if (!exchange_.empty() && binding_keys_.empty()) binding_keys_.emplace_back();
}

// What an earlier connection delivered is the broker's again: it comes once more.
void RabbitSource::open(std::string_view) {
  auto connection = std::make_unique<Connection>(broker_, host_);
  connection->expect_queue(queue_);
  for (const auto& key : binding_keys_) connection->bind(queue_, exchange_, key);
  connection->consume(queue_, prefetch_count_);
  consumer_ = std::make_unique<Consumer>(std::move(connection));
}

void RabbitSource::poll(Poll& poll) {
  const auto before = poll.messages();
  for (;;) {
    consumer_->take(come_);
    for (; !come_.empty() && poll.has_credit(); come_.pop_front())
      if (!put(poll, come_.front())) return;
    if (poll.messages() < before || !poll.has_credit()) return;
    if (poll.wait(consumer_->fd()) == Poll::Woken::over) return;
  }
}

bool RabbitSource::put(Poll& poll, const Delivered& message) {
  pairs_.clear();
  message.metadata.append_to(pairs_);
  const standpipe::Meta meta(pairs_);
  const auto answer = poll.put(message.payload, meta);
  if (answer == Put::full) return false;
  if (answer == Put::ok) {
    unacknowledged_.add(poll.sequence(), message.tag);
  } else {
    host_.error("queue " + queue_.name + ": rejected (the broker drops it, or dead-letters it): " +
                standpipe::Host::too_large(message.payload, meta));
    consumer_->reject(message.tag);
  }
  return true;
}

void RabbitSource::committed(std::uint64_t sequence) {
  std::uint64_t last = 0;
  unacknowledged_.release(sequence, [&](std::uint64_t tag) { last = tag; });
  if (last > 0 && consumer_) consumer_->acknowledge(last);
}

void RabbitSource::close() {
  consumer_.reset();
  come_.clear();
  unacknowledged_.clear();
}
