// SPDX-License-Identifier: Apache-2.0
#include "sender.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

#include "backoff.h"
#include "requests.h"

using standpipe::Outcome;

namespace {

Entry pop_front(std::deque<Entry>& entries) {
  auto entry = std::move(entries.front());
  entries.pop_front();
  return entry;
}

}  // namespace

Sender::Sender(std::unique_ptr<Queue> queue, Limits limits, common::TakenWindow& window)
    : queue_(std::move(queue)),
      message_bytes_max_(std::min(queue_->message_bytes_max(), limits.batch_bytes)),
      batch_bytes_max_(limits.batch_bytes),
      window_(window),
      lanes_(queue_->is_fifo() ? limits.requests : 1),
      slots_(limits.requests),
      random_(random_seed()) {
  thread_ = std::thread([this] { run(); });
}

Sender::~Sender() {
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  queue_->client().wake();
  thread_.join();
}

void Sender::push(std::vector<Entry> entries) {
  if (entries.empty()) return;
  {
    const std::lock_guard lock(mutex_);
    for (auto& entry : entries) {
      auto& lane = lanes_[std::hash<std::string>()(entry.group) % lanes_.size()];
      lane.push_back(std::move(entry));
    }
  }
  queue_->client().wake();
}

void Sender::check() const {
  const std::lock_guard lock(mutex_);
  if (trouble_) trouble_.raise();
}

void Sender::run() try {
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      if (is_over_ || trouble_) return;
      fill();
    }
    start_again();
    for (const auto& reply : queue_->client().wait(next_start())) finish(reply);
  }
} catch (const std::exception& e) {
  fail({Trouble::Kind::lost, e.what()});
}

void Sender::fill() {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    auto& slot = slots_[i];
    if (!slot.entries.empty()) continue;
    slot.attempts = 0;
    if (slot.alone.empty())
      take(lanes_[i % lanes_.size()], slot.entries);
    else
      slot.entries.push_back(pop_front(slot.alone));
    if (!slot.entries.empty()) start(i);
  }
}

void Sender::take(std::deque<Entry>& lane, std::vector<Entry>& entries) const {
  std::size_t bytes = 0;
  while (!lane.empty() && entries.size() < kEntriesMax) {
    bytes += lane.front().bytes;
    if (!entries.empty() && bytes > batch_bytes_max_) return;
    entries.push_back(pop_front(lane));
  }
}

void Sender::start(std::size_t index) {
  auto& slot = slots_[index];
  slot.again_at.reset();
  ++slot.attempts;
  auto body = queue_->begin_body() + ",\"Entries\":[";
  for (std::size_t i = 0; i < slot.entries.size(); ++i) {
    body += i == 0 ? "{\"Id\":\"" : ",{\"Id\":\"";
    body += std::to_string(i) + "\",";
    body += slot.entries[i].json;
    body += '}';
  }
  body += "]}";
  queue_->client().start({index, "SendMessageBatch", std::move(body), queue_->request_timeout()});
}

void Sender::start_again() {
  const auto now = Clock::now();
  for (std::size_t i = 0; i < slots_.size(); ++i)
    if (slots_[i].again_at && *slots_[i].again_at <= now) start(i);
}

Sender::Clock::time_point Sender::next_start() const {
  auto next = Clock::now() + std::chrono::hours(1);
  for (const auto& slot : slots_)
    if (slot.again_at) next = std::min(next, *slot.again_at);
  return next;
}

void Sender::finish(const Reply& reply) {
  auto& slot = slots_[reply.id];
  const auto trouble = queue_->trouble_of(reply);
  switch (trouble.kind) {
    case Trouble::Kind::none:
      settle(slot, reply);
      break;
    case Trouble::Kind::busy:
    case Trouble::Kind::broken:
      again_later(slot, trouble);
      return;
    case Trouble::Kind::refused:
    case Trouble::Kind::too_long:
      refuse(slot, trouble);
      break;
    default:
      fail(trouble);
      return;
  }
}

void Sender::settle(Slot& slot, const Reply& reply) {
  const auto answer = queue_->read(reply);
  std::vector<bool> is_settled(slot.entries.size());
  const auto index_of = [&](const JsonValue& result) {
    const auto id = result["Id"].text();
    const auto index = id.size() == 1 ? static_cast<std::size_t>(id[0] - '0') : kEntriesMax;
    return index < slot.entries.size() && !is_settled[index] ? index : kEntriesMax;
  };
  for (const auto& result : answer["Successful"].items())
    if (const auto index = index_of(result); index < kEntriesMax) {
      window_.deliver(slot.entries[index].number);
      is_settled[index] = true;
    }
  for (const auto& result : answer["Failed"].items())
    if (const auto index = index_of(result); index < kEntriesMax) {
      settle_failure(slot.entries[index], result);
      is_settled[index] = true;
    }
  for (std::size_t i = 0; i < slot.entries.size(); ++i)
    if (!is_settled[i]) settle_failure(slot.entries[i], {});
  slot.entries.clear();
}

// What failed by SQS's fault is tried again. In a FIFO queue nothing behind it may be delivered
// first, so all that is not settled comes again, in order; what SQS has already, it recognises.
void Sender::settle_failure(const Entry& entry, const JsonValue& failure) {
  const auto why = failure ? failure["Code"].text() + ": " + failure["Message"].text()
                           : std::string("SQS did not say what became of it");
  if (failure["SenderFault"].is_true())
    window_.settle(entry.number, Outcome::reject, "SQS refuses it: " + why);
  else if (queue_->is_fifo())
    fail({Trouble::Kind::lost, "SQS could not take a message: " + why});
  else
    window_.settle(entry.number, Outcome::retry, "SQS could not take it: " + why);
}

// SQS refuses the whole request, and does not say for which message: each of them is sent alone.
void Sender::refuse(Slot& slot, const Trouble& trouble) {
  if (slot.entries.size() == 1)
    window_.settle(slot.entries[0].number, Outcome::reject, "SQS refuses it: " + trouble.text);
  else
    slot.alone.assign(std::make_move_iterator(slot.entries.begin()),
                      std::make_move_iterator(slot.entries.end()));
  slot.entries.clear();
}

// A reply that was lost is asked for once more: with a connection that SQS closed in that moment,
// nothing is wrong.
void Sender::again_later(Slot& slot, const Trouble& trouble) {
  const auto most = trouble.kind == Trouble::Kind::busy ? kAttemptsMost : 2;
  if (slot.attempts >= most) return fail(trouble);
  slot.again_at = Clock::now() + backoff(slot.attempts, random_);
}

void Sender::fail(Trouble trouble) {
  {
    const std::lock_guard lock(mutex_);
    if (!trouble_) trouble_ = std::move(trouble);
  }
  window_.interrupt();
}
