// SPDX-License-Identifier: Apache-2.0
#include "deliver/output.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/failure.h"

namespace standpipe::deliver {
namespace {

using namespace std::chrono_literals;

constexpr Nanoseconds kHurry = 20ms;           // the same, while a full log waits for it
constexpr std::uint64_t kTurnBytes = 1 * MiB;  // then others have their turn
constexpr std::string_view kRecordPrefix = "output/";

}  // namespace

Output::Output(const OutputRequest& request, const OutputNeeds& needs, Made made)
    : request_(record_of(request)), needs_(needs) {
  if (const auto* fifo = std::get_if<plugin::FifoOutputRequest>(&request)) {
    auto endpoint = std::make_unique<FifoEndpoint>(*fifo, needs.pipes, made);
    fifo_ = endpoint.get();
    endpoint_ = std::move(endpoint);
  } else {
    auto endpoint = std::make_unique<FileEndpoint>(std::get<plugin::FileOutputRequest>(request));
    file_ = endpoint.get();
    endpoint_ = std::move(endpoint);
  }
}

// ---- what outlives the worker

Output::OutputRecord Output::record_of(const OutputRequest& request) {
  const auto* fifo = std::get_if<plugin::FifoOutputRequest>(&request);
  if (!fifo) return {1, 0, 0, 0, 0};
  return {0, fifo->mode, fifo->create, fifo->resend, fifo->trust_others};
}

OutputRequest Output::request_of(const std::string& path, const OutputRecord& record) {
  if (record.is_file) return plugin::FileOutputRequest{.path = path};
  return plugin::FifoOutputRequest{path, record.mode, record.create != 0, record.resend != 0,
                                   record.trust != 0};
}

std::vector<OutputRequest> Output::requests_in(const state::Memory& memory) {
  std::vector<OutputRequest> requests;
  for (const auto& name : memory.records(kRecordPrefix)) {
    const auto bytes = memory.find(name);
    if (bytes.size() != sizeof(OutputRecord))
      throw state::Memory::Damaged("an output's record has another size");
    const auto& record = *reinterpret_cast<const OutputRecord*>(bytes.data());
    requests.push_back(request_of(name.substr(kRecordPrefix.size()), record));
  }
  return requests;
}

bool Output::is_idle(state::Memory& memory, const std::string& path) {
  const auto entries = "entries/" + path;
  return !memory.has_record(entries) ||
         state::PersistentDeque<SendQueue::Entry>::before_its_owner(memory, entries).empty();
}

void Output::remove(state::Memory& memory, const std::string& path) {
  LastTaken::remove(memory, path);
  for (const auto* kind : {"output/", "fifo/", "file/", "queue/", "entries/"})
    if (memory.has_record(kind + path)) memory.remove_record(kind + path);
}

void Output::attach(state::Memory& memory, keeper::Link& link, std::uint32_t index) {
  memory_ = &memory;
  index_ = index;
  const auto name = std::string(kRecordPrefix) + path();
  const bool is_known = memory.has_record(name);
  state::Persistent<OutputRecord> record(memory, name);
  if (!is_known) record.edit() = request_;
  queue_.emplace(memory, path(), needs_.senders, needs_.observer,
                 [this](const auto& delivery, const auto& part) { on_final(delivery, part); });
  queue_->recover();
  endpoint_->attach({*queue_, memory, link, needs_.reporter, index}, is_known);
  memory.commit();
}

void Output::on_final(const Delivery& delivery, const Range& part) {
  if (fifo_) fifo_->remember_taken(delivery, part);
}

// ---- moving

bool Output::pump(Nanoseconds now) {
  now_ = now;
  const auto poll_at = std::exchange(wake_at_, std::nullopt);
  hurried_ = hurried_ && !idle();
  if (idle()) {
    if (!was_recalled_) unread_since_.reset();
    wake_by(endpoint_->end_turn(now));
    return false;
  }
  if (!make_ready(now)) {
    if (fifo_ && !unread_since_) unread_since_ = now;
    // Another event must not postpone the next poll: readers that come and go quickly would never
    // be seen.
    const bool is_early = poll_at && *poll_at > now && pause_ > Nanoseconds(0);
    if (is_early)
      wake_at_ = poll_at;
    else
      wait_more(now, kPollLast);
    return false;
  }
  unread_since_.reset();
  const bool waits_for_peer = !endpoint_->is_in_turn() && !endpoint_->has_more_to_move();
  if (waits_for_peer || !endpoint_->begin_turn(now)) {
    sample();
    if (idle()) return false;
    wait_more(now, kPollLast);
    if (!waits_for_peer) wake_by(endpoint_->retry_at());
    return false;
  }
  const bool more = move(now);
  wake_by(endpoint_->end_turn(now));
  return more && endpoint_->is_in_turn();
}

bool Output::make_ready(Nanoseconds now) {
  const auto opened_before = endpoint_->openings();
  const bool is_ready = endpoint_->make_ready(now);
  if (endpoint_->openings() != opened_before) pause_ = {};
  return is_ready;
}

// Moves bytes from the logs to the peer, as many as it takes. true: it stopped for fairness.
bool Output::move(Nanoseconds now) {
  std::uint64_t sum = 0;
  bool progress = true;
  while (progress && sum < kTurnBytes) {
    const auto staged = endpoint_->stage();
    const auto pushed = endpoint_->push();
    sum += pushed.bytes;
    if (pushed.error) {
      endpoint_->fail(Failure::system("write " + path(), pushed.error));
      wait_more(now, kPollLast);
      return false;
    }
    if (pushed.peer_gone) {
      lose_peer(now);
      return false;
    }
    progress = staged + pushed.bytes > 0;
  }
  sample();
  if (sum > 0) pause_ = {};
  if (!idle()) wait_more(now, kPollLast);
  return progress;
}

void Output::on_event(std::uint32_t events, Nanoseconds now) {
  now_ = now;
  switch (endpoint_->on_event(events)) {
    case Endpoint::Event::nothing:
      return;
    case Endpoint::Event::poll_soon:
      pause_ = {};
      return;
    case Endpoint::Event::peer_gone:
      return lose_peer(now);
  }
}

void Output::lose_peer(Nanoseconds now) {
  endpoint_->peer_gone(now);
  pause_ = {};
  if (idle()) return;
  if (fifo_ && !unread_since_) unread_since_ = now;
  wait_more(now, kPollLast);
}

void Output::sample() {
  if (!endpoint_->is_open() || idle()) return;
  endpoint_->sample();
  memory_->commit();
}

// ---- when

void Output::wake_by(std::optional<Nanoseconds> when) {
  if (when) wake_at_ = std::min(wake_at_.value_or(*when), *when);
}

// Sets the next poll: soon after something moved, then less and less often.
void Output::wait_more(Nanoseconds now, Nanoseconds most) {
  if (endpoint_->is_announced()) return;
  if (hurried_ && endpoint_->is_flowing()) most = std::min(most, kHurry);
  pause_ = std::min(pause_ == Nanoseconds(0) ? kPollFirst : pause_ * 2, most);
  wake_at_ = now + pause_;
  if (endpoint_->is_flowing()) {
    missing_peer_reported_ = false;
  } else if (pause_ >= most && !endpoint_->has_failed() && !missing_peer_reported_) {
    missing_peer_reported_ = true;
    needs_.reporter.info(path() + ": nobody reads it; messages wait");
  }
}

void Output::hurry(Nanoseconds now) {
  if (idle()) return;
  sample();
  if (idle() || !endpoint_->is_flowing()) return;
  hurried_ = true;
  if (wake_at_ && *wake_at_ <= now + kHurry) return;
  pause_ = std::min(pause_, kHurry);
  wake_at_ = now + kHurry;
}

Nanoseconds Output::visit(Nanoseconds now) {
  now_ = now;
  if (is_closed_) return now + kVisitLast;
  const bool is_new = endpoint_->visit(now);
  if (is_new) pause_ = {};
  end_if_due(now);
  visit_pause_ = is_new ? kVisitFirst : std::min(visit_pause_ * 2, kVisitLast);
  return now + visit_pause_;
}

bool Output::recall() {
  if (!fifo_ || idle() || endpoint_->is_flowing() || queue_->moved() > 0) return false;
  endpoint_->drop_stage();
  queue_->give_back_all();
  memory_->commit();
  was_recalled_ = true;
  return true;
}

// ---- its handlers have gone

void Output::end_by(Nanoseconds when, Nanoseconds now) {
  ends_at_ = when;
  visit_pause_ = kVisitFirst / 2;
  end_if_due(now);
}

// What lies in the pipe of a reader that is alive is its own, and the rest of the message that it
// has in part still comes.
void Output::end_if_due(Nanoseconds now) {
  if (!ends_at_ || idle() || (endpoint_->has_peer() && now < *ends_at_)) return;
  now_ = now;
  finish_frame();
  if (all_moved()) stop();
}

void Output::close_if_ended() {
  if (!ends_at_ || !idle() || !fifo_ || is_closed_) return;
  fifo_->close();
  is_closed_ = true;
}

// ---- the hub ends

bool Output::all_moved() const {
  return idle() || (endpoint_->has_peer() && queue_->moved() == queue_->bytes());
}

void Output::finish_frame() {
  if (endpoint_->is_flowing() && !endpoint_->has_peer()) endpoint_->peer_gone(now_);
  endpoint_->drop_stage();
  if (endpoint_->is_flowing())
    queue_->end_after_frame();
  else
    queue_->give_back_all();  // what waits for a reader is left to its log
  memory_->commit();
}

void Output::stop() {
  if (!endpoint_->has_peer()) return;
  sample();
  if (!idle()) queue_->rewind(queue_->moved());
  memory_->commit();
}

}  // namespace standpipe::deliver
