// SPDX-License-Identifier: Apache-2.0
#include "receiver.h"

#include <algorithm>
#include <utility>

#include "backoff.h"
#include "common/json_scan.h"
#include "requests.h"

namespace {

constexpr std::size_t kRemovalsMost = 4;  // requests at a time
constexpr std::chrono::seconds kEndMost{1};

std::string what_failed(const JsonValue& failure) {
  return failure["Code"].text() + ": " + failure["Message"].text();
}

}  // namespace

Receiver::Receiver(standpipe::Host host, std::unique_ptr<Queue> queue,
                   const ReceiveSettings& settings, Holding& holding)
    : host_(host),
      queue_(std::move(queue)),
      settings_(settings),
      visibility_timeout_(settings.visibility_timeout.value_or(queue_->visibility_timeout())),
      holding_(holding),
      random_(random_seed()) {
  holding_.leases.set_duration(visibility_timeout_);
  if (!holding_.ready.empty()) has_some_.set();
  thread_ = std::thread([this] { run(); });
}

Receiver::~Receiver() {
  {
    const std::lock_guard lock(holding_.mutex);
    is_over_ = true;
  }
  wake();
  thread_.join();
}

std::optional<LeasedMessage> Receiver::take() {
  const std::lock_guard lock(holding_.mutex);
  if (holding_.ready.empty()) {
    if (!trouble_) has_some_.clear();
    return std::nullopt;
  }
  auto message = std::move(holding_.ready.front());
  holding_.ready.pop_front();
  if (holding_.ready.empty()) wake();
  return message;
}

void Receiver::put_back(LeasedMessage message) {
  const std::lock_guard lock(holding_.mutex);
  holding_.ready.push_front(std::move(message));
}

void Receiver::check() const {
  const std::lock_guard lock(holding_.mutex);
  if (trouble_) trouble_.raise();
}

void Receiver::run() try {
  for (;;) {
    {
      const std::lock_guard lock(holding_.mutex);
      if (trouble_) return;
      if (is_over_) break;
    }
    begin_tasks();
    work(next_event());
  }
  end_well();
} catch (const std::exception& e) {
  fail({Trouble::Kind::lost, e.what()});
}

void Receiver::work(Clock::time_point until) {
  start_again();
  for (const auto& reply : queue_->client().wait(until)) finish(reply);
}

// Others get at once what was not put, and what is settled does not come again.
void Receiver::end_well() {
  const auto until = Clock::now() + kEndMost;
  {
    const std::lock_guard lock(holding_.mutex);
    auto& ready = holding_.ready;
    while (!ready.empty()) {
      Task task{Kind::give_back};
      for (; !ready.empty() && task.leases.size() < kEntriesMax; ready.pop_front())
        if (auto lease = holding_.leases.find(ready.front().number)) {
          holding_.leases.remove(lease->number);
          task.leases.push_back(std::move(*lease));
        }
      if (!task.leases.empty()) begin(std::move(task));
    }
  }
  const auto is_done = [&] { return count(Kind::remove) + count(Kind::give_back) == 0; };
  for (;;) {
    {
      const std::lock_guard lock(holding_.mutex);
      if (trouble_) return;
      begin_removals();
    }
    if (is_done() || Clock::now() >= until) return;
    work(std::min(until, next_event()));
  }
}

// ---- requests

std::size_t Receiver::count(Kind kind) const {
  return static_cast<std::size_t>(std::count_if(
      tasks_.begin(), tasks_.end(), [&](const auto& task) { return task.second.kind == kind; }));
}

bool Receiver::may_receive() const {
  const auto polls = count(Kind::receive);
  const auto coming = polls * kEntriesMax;
  return polls < settings_.receivers &&
         holding_.ready.size() + coming < settings_.receivers * kEntriesMax &&
         holding_.leases.size() + coming < settings_.max_in_flight;
}

void Receiver::begin_tasks() {
  const std::lock_guard lock(holding_.mutex);
  while (may_receive()) begin({Kind::receive});
  begin_removals();
  if (count(Kind::renew) > 0) return;
  if (auto due = holding_.leases.due(Clock::now(), kEntriesMax); !due.empty())
    begin({Kind::renew, std::move(due)});
}

void Receiver::begin_removals() {
  auto& to_delete = holding_.to_delete;
  while (!to_delete.empty() && count(Kind::remove) < kRemovalsMost) {
    Task task{Kind::remove};
    for (; !to_delete.empty() && task.leases.size() < kEntriesMax; to_delete.pop_front())
      if (auto lease = holding_.leases.find(to_delete.front()))
        task.leases.push_back(std::move(*lease));
    if (!task.leases.empty()) begin(std::move(task));
  }
}

void Receiver::begin(Task task) {
  const auto id = ++last_task_;
  start(id, tasks_.emplace(id, std::move(task)).first->second);
}

void Receiver::start(std::uint64_t id, Task& task) {
  const auto action = task.kind == Kind::receive  ? "ReceiveMessage"
                      : task.kind == Kind::remove ? "DeleteMessageBatch"
                                                  : "ChangeMessageVisibilityBatch";
  ++task.attempts;
  task.again_at.reset();
  auto timeout = queue_->request_timeout();
  if (task.kind == Kind::receive) timeout += settings_.wait_time;
  queue_->client().start({id, action, body_of(task), timeout});
}

std::string Receiver::body_of(const Task& task) const {
  const auto seconds =
      std::to_string(task.kind == Kind::give_back ? 0 : visibility_timeout_.count());
  if (task.kind == Kind::receive)
    return queue_->begin_body() +
           ",\"MaxNumberOfMessages\":" + std::to_string(settings_.max_number_of_messages) +
           ",\"WaitTimeSeconds\":" + std::to_string(settings_.wait_time.count()) +
           ",\"VisibilityTimeout\":" + seconds +
           ",\"MessageSystemAttributeNames\":[\"All\"],\"MessageAttributeNames\":[\"All\"]}";
  auto body = queue_->begin_body() + ",\"Entries\":[";
  for (std::size_t i = 0; i < task.leases.size(); ++i) {
    body += i == 0 ? "{\"Id\":\"" : ",{\"Id\":\"";
    body += std::to_string(i) + "\",\"ReceiptHandle\":";
    body += common::json_quoted(task.leases[i].receipt_handle);
    if (task.kind != Kind::remove) body += ",\"VisibilityTimeout\":" + seconds;
    body += '}';
  }
  return body + "]}";
}

Receiver::Clock::time_point Receiver::next_event() const {
  const std::lock_guard lock(holding_.mutex);
  auto next = Clock::now() + std::chrono::hours(1);
  if (count(Kind::renew) == 0) next = std::min(next, holding_.leases.next_due());
  for (const auto& [id, task] : tasks_)
    if (task.again_at) next = std::min(next, *task.again_at);
  return next;
}

void Receiver::start_again() {
  const auto now = Clock::now();
  for (auto& [id, task] : tasks_)
    if (task.again_at && *task.again_at <= now) start(id, task);
}

// ---- replies

// A reply that was lost is asked for once more: with a connection that SQS closed in that moment,
// nothing is wrong.
void Receiver::finish(const Reply& reply) {
  const auto it = tasks_.find(reply.id);
  if (it == tasks_.end()) return;
  auto trouble = queue_->trouble_of(reply);
  const bool is_busy = trouble.kind == Trouble::Kind::busy;
  const bool may_pass = is_busy || trouble.kind == Trouble::Kind::broken;
  if (may_pass && it->second.attempts < (is_busy ? kAttemptsMost : 2)) {
    it->second.again_at = Clock::now() + backoff(it->second.attempts, random_);
    return;
  }
  if (trouble) return fail(std::move(trouble));
  const auto task = std::move(it->second);
  tasks_.erase(it);
  if (task.kind == Kind::receive) receive(reply);
  if (task.kind == Kind::remove) remove(task, reply);
  if (task.kind == Kind::renew) renew(reply);
}

void Receiver::receive(const Reply& reply) {
  auto messages = received_messages(queue_->read(reply), settings_.encoding);
  const std::lock_guard lock(holding_.mutex);
  for (auto& message : messages) {
    const auto number = holding_.leases.add(message.message_id, message.receipt_handle);
    if (number) holding_.ready.push_back({*number, std::move(message)});
  }
  if (!holding_.ready.empty()) has_some_.set();
}

void Receiver::remove(const Task& task, const Reply& reply) {
  std::vector<JsonValue> failed(task.leases.size());
  for (const auto& failure : queue_->read(reply)["Failed"].items()) {
    const auto id = failure["Id"].text();
    if (id.size() == 1 && id[0] >= '0' && static_cast<std::size_t>(id[0] - '0') < failed.size())
      failed[static_cast<std::size_t>(id[0] - '0')] = failure;
  }
  const std::lock_guard lock(holding_.mutex);
  for (std::size_t i = 0; i < task.leases.size(); ++i)
    if (failed[i])
      keep_or_forget(task.leases[i], failed[i]);
    else
      holding_.leases.remove(task.leases[i].number);
}

// A receipt that is not valid any more is of a lease that ran out; if the message came again, there
// is a newer one.
void Receiver::keep_or_forget(const Leases::Lease& lease, const JsonValue& failure) {
  const auto now = holding_.leases.find(lease.number);
  if (!now) return;
  if (!failure["SenderFault"].is_true() || now->receipt_handle != lease.receipt_handle) {
    holding_.to_delete.push_back(lease.number);
    return;
  }
  holding_.leases.remove(lease.number);
  host_.warning("a message that all handlers have could not be deleted, so it may come again (" +
                what_failed(failure) + ")");
}

void Receiver::renew(const Reply& reply) {
  const auto failures = queue_->read(reply)["Failed"].items();
  if (failures.empty()) return;
  host_.warning("the visibility of " + std::to_string(failures.size()) +
                " messages could not be extended, so they may come again (" +
                what_failed(failures[0]) + ")");
}

// What was about to be deleted is deleted after the next opening.
void Receiver::fail(Trouble trouble) {
  const std::lock_guard lock(holding_.mutex);
  for (const auto& [id, task] : tasks_)
    if (task.kind == Kind::remove)
      for (const auto& lease : task.leases) holding_.to_delete.push_back(lease.number);
  tasks_.clear();
  if (!trouble_) trouble_ = std::move(trouble);
  has_some_.set();
}
