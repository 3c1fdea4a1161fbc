// SPDX-License-Identifier: Apache-2.0
#include "worker/handler_table.h"

#include <algorithm>
#include <utility>

#include "base/failure.h"
#include "base/text.h"
#include "worker/event_key.h"

namespace standpipe::worker {
namespace {

template <class Handlers, class Property>
bool every(const Handlers& handlers, Property has) {
  return std::all_of(handlers.begin(), handlers.end(), [&](const auto& h) { return has(*h); });
}

bool is_among(const HandlerTable::Left& all, const deliver::HandlerLoop& handler) {
  return std::ranges::find(all, &handler) != all.end();
}

}  // namespace

HandlerTable::HandlerTable(EventLoop& loop, HandlerQueue& queue, OutputTable& outputs,
                           const Clock& clock, Reporter& reporter)
    : loop_(loop), queue_(queue), outputs_(outputs), clock_(clock), reporter_(reporter) {}

void HandlerTable::add(std::unique_ptr<deliver::HandlerLoop> handler) {
  number_of_[handler.get()] = handlers_.size();
  handlers_.push_back(std::move(handler));
}

void HandlerTable::create() {
  std::size_t failed = 0;
  for (std::size_t h = 0; h < handlers_.size(); ++h) {
    try {
      handlers_[h]->create();
      queue_.add(h);
    } catch (const Failure& failure) {
      reporter_.error("handler", failure.what(), failure.help());
      ++failed;
    }
  }
  if (failed) throw WrongConfiguration(counted(failed, "handler") + " cannot be made");
}

void HandlerTable::recover(const deliver::Death& death) {
  for (auto& handler : handlers_) handler->recover(death, loop_.now());
}

void HandlerTable::advance(std::size_t h) {
  if (handlers_[h]->advance(loop_.now())) queue_.add(h);
  outputs_.adopt();
  note_outputs_of(h);
  after_advance(h);
}

void HandlerTable::note_outputs_for_good() {
  configuration_stays_ = true;
  for (std::size_t h = 0; h < handlers_.size(); ++h) {
    note_outputs_of(h);
    if (handlers_[h]->ready()) queue_.add(h);
  }
}

void HandlerTable::note_outputs_of(std::size_t h) {
  for (const auto* output : handlers_[h]->note_outputs(configuration_stays_))
    if (is_of_nobody(*output)) outputs_.end_by(*output, loop_.now());
}

bool HandlerTable::is_of_nobody(const deliver::Output& output) const {
  return every(handlers_, [&](const auto& h) { return h.departed() || !h.may_send_to(output); });
}

void HandlerTable::end_outputs_of_nobody(Nanoseconds drain_timeout) {
  for (const auto* output : outputs_.all()) {
    if (!is_of_nobody(*output)) continue;
    const bool has_gone = !every(handlers_, [&](const auto& h) { return !h.may_send_to(*output); });
    outputs_.end_by(*output, loop_.now() + (has_gone ? drain_timeout : Nanoseconds(0)));
  }
}

void HandlerTable::close_ended_outputs() {
  for (auto* output : outputs_.all()) {
    if (!is_of_nobody(*output))
      output->go_on();
    else if (have_all_opened())
      output->close_if_ended();
  }
}

bool HandlerTable::have_all_opened() const {
  return configuration_stays_ &&
         every(handlers_, [](const auto& h) { return h.departed() || h.ready() || h.held(); });
}

void HandlerTable::after_advance(std::size_t h) {
  const auto& handler = *handlers_[h];
  loop_.set_timer(key(kHandler, h), handler.wake_at());
  if (handler.waits_for_output() || handler.waits_for_turn()) queue_.block(h);
  gate_.after_advance(handler, handler.waits_for_turn());
}

void HandlerTable::push(deliver::HandlerLoop& handler) {
  {
    const std::lock_guard lock(mutex_);
    completed_.push_back(&handler);
  }
  loop_.wake();
}

const std::vector<deliver::HandlerLoop*>& HandlerTable::take_completed() {
  taken_.clear();
  const std::lock_guard lock(mutex_);
  taken_.swap(completed_);
  return taken_;
}

void HandlerTable::complete(deliver::HandlerLoop& handler) {
  outputs_.adopt();
  handler.on_completed(clock_.steady());
  const auto h = number_of_.at(&handler);
  note_outputs_of(h);
  queue_.add(h);
  after_advance(h);
}

void HandlerTable::sample_calls() {
  bool in_progress = false;
  for (const auto& handler : handlers_) {
    handler->remind_of_call(loop_.now());
    in_progress |= handler->in_call();
  }
  gate_.after_sample(in_progress);
}

bool HandlerTable::all_tried() const {
  return every(handlers_, [](const auto& h) { return h.tried(); });
}

bool HandlerTable::all_drained(const Left& left) const {
  return every(handlers_, [&](const auto& h) { return h.drained() || is_among(left, h); });
}

bool HandlerTable::all_closed(const Left& left) const {
  return every(handlers_, [&](const auto& h) { return h.closed() || is_among(left, h); });
}

bool HandlerTable::any_held() const {
  return !every(handlers_, [](const auto& h) { return !h.held(); });
}

std::vector<std::string> HandlerTable::not_ready() const {
  std::vector<std::string> names;
  for (const auto& handler : handlers_)
    if (!handler->ready() && !handler->departed()) names.push_back(handler->name());
  return names;
}

void HandlerTable::note_stopping() {
  for (const auto& handler : handlers_) handler->note_stopping();
}

void HandlerTable::want_reopen() {
  for (std::size_t h = 0; h < handlers_.size(); ++h) {
    handlers_[h]->want_reopen();
    queue_.add(h);
  }
}

void HandlerTable::want_close(Nanoseconds deadline) {
  for (std::size_t h = 0; h < handlers_.size(); ++h) {
    handlers_[h]->want_close(deadline);
    queue_.add(h);
  }
}

void HandlerTable::detach_calls() {
  for (const auto& handler : handlers_) {
    handler->return_taken(clock_.steady());
    if (!handler->in_call()) continue;
    const auto what = handler->waits_for_letters()
                          ? ": its dead letters are not written; its messages are saved again"
                          : ": its plugin does not come back from a call; the hub ends without it";
    reporter_.error("stuck", handler->name() + what);
    handler->detach_call();
    has_detached_ = true;
  }
}

}  // namespace standpipe::worker
