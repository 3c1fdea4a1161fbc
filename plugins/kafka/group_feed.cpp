// SPDX-License-Identifier: Apache-2.0
#include "group_feed.h"

#include <utility>

#include "topics.h"

namespace kafka {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
constexpr auto kCommitEvery = milliseconds(100);
constexpr auto kGiveBackPatience = seconds(5);
constexpr auto kLeavePatience = seconds(1);
constexpr auto kKeepEvery = milliseconds(200);
constexpr auto kUnpolledMost = seconds(1);  // then the partitions pause
constexpr std::size_t kWaitingMost = 1000;
constexpr int kLastCommitMs = 500;

// The group has moved on: whoever has the partitions now commits.
bool is_too_late(rd_kafka_resp_err_t error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
    case RD_KAFKA_RESP_ERR__NO_OFFSET:
    case RD_KAFKA_RESP_ERR__DESTROY:
      return true;
    default:
      return false;
  }
}

}  // namespace

GroupFeed::GroupFeed(standpipe::Host host, const Settings& settings,
                     std::vector<std::string> topics)
    : host_(host), settings_(settings), topics_(std::move(topics)) {}

void GroupFeed::open(std::string_view) {
  client_ = std::make_unique<Client>(host_, Client::Kind::group_consumer, settings_.consumer());
  wait_for_broker(*client_, Served::here, host_);
  const Partitions list(rd_kafka_topic_partition_list_new(static_cast<int>(topics_.size())));
  for (const auto& topic : topics_) {
    if (!topic.starts_with('^')) (void)partitions_of(*client_, topic, Served::here, host_);
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
  }
  const auto error = rd_kafka_subscribe(client_->get(), list.get());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
    throw standpipe::fatal(std::string("topic: ") + rd_kafka_err2str(error));
  polled_at_ = Clock::now();
  keeper_ = std::thread([this] { keep_alive(); });
}

GroupFeed::~GroupFeed() {
  if (keeper_.joinable()) {
    {
      const std::lock_guard lock(mutex_);
      is_closing_ = true;
    }
    closing_.notify_one();
    keeper_.join();
  }
  is_closing_ = true;
  waiting_.clear();
  if (client_) leave_group();
  revoked_.reset();
  answers_.reset();
}

void GroupFeed::begin_poll() {
  mutex_.lock();
  set_paused(false);
}

void GroupFeed::end_poll() {
  polled_at_ = Clock::now();
  mutex_.unlock();
}

const rd_kafka_message_t* GroupFeed::front() {
  client_->failure().throw_it();
  commit_if_due();
  if (revoked_) give_back_if_due();
  while (waiting_.empty() && !revoked_) {
    auto event = client_->next_or_clear();
    if (!event) {
      client_->failure().throw_it();
      return nullptr;
    }
    serve(std::move(event));
  }
  return revoked_ ? nullptr : waiting_.front().record;
}

void GroupFeed::pop(std::uint64_t sequence) {
  if (sequence > 0) offsets_.add(sequence, *waiting_.front().record);
  waiting_.pop_front();
}

void GroupFeed::committed(std::uint64_t sequence) {
  const std::lock_guard lock(mutex_);
  offsets_.release(sequence);
  commit_if_due();
}

void GroupFeed::serve(Event event) {
  switch (rd_kafka_event_type(event.get())) {
    case RD_KAFKA_EVENT_FETCH:
      client_->is_up();
      while (const auto* record = rd_kafka_event_message_next(event.get()))
        waiting_.push_back({nullptr, record});
      if (!waiting_.empty()) waiting_.back().event = std::move(event);
      break;
    case RD_KAFKA_EVENT_REBALANCE:
      rebalance(std::move(event));
      break;
    default:
      break;
  }
}

void GroupFeed::rebalance(Event event) {
  const auto error = rd_kafka_event_error(event.get());
  auto* const partitions = rd_kafka_event_topic_partition_list(event.get());
  if (error == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    host_.info("the group gives it " + std::to_string(partitions->cnt) + " partitions");
    rd_kafka_assign(client_->get(), partitions);
    if (std::exchange(is_paused_, false)) set_paused(true);
    return;
  }
  revoked_ = std::move(event);
  give_back_at_ = Clock::now() + kGiveBackPatience;
  if (is_closing_ || rd_kafka_assignment_lost(client_->get())) give_back_at_ = {};
  give_back_if_due();
}

void GroupFeed::give_back_if_due() {
  if (!offsets_.has_open() || Clock::now() >= give_back_at_) give_back();
}

void GroupFeed::give_back() {
  if (!rd_kafka_assignment_lost(client_->get())) commit_now();
  waiting_.clear();
  offsets_.clear();
  answers_.reset();  // it is about a group that is over
  rd_kafka_assign(client_->get(), nullptr);
  revoked_.reset();
}

void GroupFeed::commit_if_due() {
  look_at_answer(0);
  const auto now = Clock::now();
  if (answers_ || now < commit_at_) return;
  const auto list = offsets_.take_news();
  if (!list) return;
  commit_at_ = now + kCommitEvery;
  if (!send_commit(*list)) offsets_.again(*list);
}

// For the last commit before partitions are given back; what does not come through in time
// is brought again to their next owner.
void GroupFeed::commit_now() {
  if (client_->is_down()) return;
  look_at_answer(kLastCommitMs);
  if (answers_) return;
  const auto list = offsets_.take_news();
  if (list && send_commit(*list)) look_at_answer(kLastCommitMs);
}

bool GroupFeed::send_commit(const rd_kafka_topic_partition_list_t& list) {
  answers_.reset(rd_kafka_queue_new(client_->get()));
  const auto error = rd_kafka_commit_queue(client_->get(), &list, answers_.get(), nullptr, nullptr);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return true;
  answers_.reset();
  return false;
}

void GroupFeed::look_at_answer(int wait_ms) {
  if (!answers_) return;
  const Event answer(rd_kafka_queue_poll(answers_.get(), wait_ms));
  if (!answer) return;
  answers_.reset();
  const auto error = rd_kafka_event_error(answer.get());
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR || is_too_late(error)) return;
  host_.debug(std::string("a commit of offsets is done again: ") + rd_kafka_err2str(error));
  if (const auto* list = rd_kafka_event_topic_partition_list(answer.get())) offsets_.again(*list);
}

void GroupFeed::set_paused(bool is_paused) {
  if (is_paused == is_paused_) return;
  is_paused_ = is_paused;
  rd_kafka_topic_partition_list_t* assigned = nullptr;
  if (rd_kafka_assignment(client_->get(), &assigned) != RD_KAFKA_RESP_ERR_NO_ERROR) return;
  const Partitions list(assigned);
  if (is_paused)
    rd_kafka_pause_partitions(client_->get(), list.get());
  else
    rd_kafka_resume_partitions(client_->get(), list.get());
}

// What is fetched though the partitions pause waits: it was on its way, and is no more than the
// library's queue holds.
void GroupFeed::keep_alive() {
  std::unique_lock lock(mutex_);
  while (!closing_.wait_for(lock, kKeepEvery, [this] { return is_closing_; })) {
    commit_if_due();
    if (revoked_) {
      give_back_if_due();
      continue;
    }
    if (Clock::now() - polled_at_ < kUnpolledMost) continue;
    set_paused(true);
    while (waiting_.size() < kWaitingMost && !revoked_) {
      auto event = client_->next(0);
      if (!event) break;
      serve(std::move(event));
    }
  }
}

// A member that leaves is not waited for by the others.
void GroupFeed::leave_group() {
  if (client_->is_down()) return;
  if (revoked_) give_back();
  commit_now();
  if (auto* error = rd_kafka_consumer_close_queue(client_->get(), client_->queue())) {
    rd_kafka_error_destroy(error);
    return;
  }
  const auto until = Clock::now() + kLeavePatience;
  while (!rd_kafka_consumer_closed(client_->get()) && Clock::now() < until) {
    auto event = client_->next(50);
    if (event && rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_REBALANCE)
      rebalance(std::move(event));
  }
}

}  // namespace kafka
