// SPDX-License-Identifier: Apache-2.0
#include "worker/output_table.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/failure.h"
#include "worker/event_key.h"
#include "worker/fifo_difference.h"

namespace standpipe::worker {

OutputTable::OutputTable(EventLoop& loop, state::Memory& memory, state::Directory& directory,
                         keeper::Link& link, const deliver::OutputNeeds& needs, OnOpen on_open)
    : loop_(loop),
      memory_(memory),
      directory_(directory),
      link_(link),
      needs_(needs),
      on_open_(std::move(on_open)) {}

deliver::Output* OutputTable::open(const plugin::FifoOutputRequest& request, std::string& why) try {
  // Outside the lock, which the loop takes too: a file system that stands still must not stop it.
  auto output = std::make_unique<deliver::Output>(request, needs_);
  on_open_(*output);
  const std::lock_guard lock(mutex_);
  for (const auto& opened : opened_) {
    if (opened.path != request.path && opened.id != output->id()) continue;
    // Its rules of trust stay as the first one had them.
    if (opened.resend == request.resend) return opened.output.get();
    why = "another handler sends to " + request.path + " with a different on_reader_death";
    return nullptr;
  }
  if (output->created()) needs_.reporter.info("created " + request.path);
  warn_of_difference(needs_.reporter, "an output", request.path, output->fifo()->differs());
  opened_.push_back({request.path, output->id(), request.resend, std::move(output)});
  return opened_.back().output.get();
} catch (const Failure& failure) {
  why = failure.what() + (failure.help().empty() ? "" : " (" + failure.help() + ")");
  return nullptr;
}

deliver::Output* OutputTable::open_file(const plugin::FileOutputRequest& request,
                                        std::string& why) try {
  const std::lock_guard lock(mutex_);
  for (const auto& opened : opened_) {
    if (opened.path != request.path) continue;
    if (opened.output->file()) return opened.output.get();
    why = request.path + " is a FIFO that another handler sends to";
    return nullptr;
  }
  opened_.push_back({request.path, {}, false, std::make_unique<deliver::Output>(request, needs_)});
  return opened_.back().output.get();
} catch (const Failure& failure) {
  why = failure.what();
  return nullptr;
}

deliver::Output& OutputTable::output(std::uint32_t slot) {
  const auto found = by_slot_.find(slot);
  if (found == by_slot_.end())
    throw state::Memory::Damaged("it names an output that does not exist");
  return *found->second;
}

std::vector<deliver::Output*> OutputTable::all() const {
  std::vector<deliver::Output*> all;
  for (const auto& slot : slots_) all.push_back(slot.output);
  return all;
}

void OutputTable::recover() {
  for (const auto& request : deliver::Output::requests_in(memory_)) {
    const auto* fifo = std::get_if<plugin::FifoOutputRequest>(&request);
    auto output = std::make_unique<deliver::Output>(request, needs_, deliver::Output::Made::before);
    opened_.push_back({output->path(), output->id(), fifo && fifo->resend, std::move(output)});
  }
  adopt();
}

void OutputTable::adopt() {
  const std::lock_guard lock(mutex_);
  for (auto place = slots_.size(); place < opened_.size(); ++place) {
    auto& output = *opened_[place].output;
    slots_.push_back({&output});
    place_of_[&output] = place;
    const auto slot = directory_.slot(state::Kind::output, opened_[place].path);
    by_slot_[slot] = &output;
    output.attach(memory_, link_, slot);
    ready_.add(place);
    loop_.set_timer_if_none(key(kVisits), loop_.now() + kVisitEach);
  }
}

void OutputTable::on_event(std::size_t place, std::uint32_t events) {
  slots_[place].output->on_event(events, loop_.now());
  ready_.add(place);
}

bool OutputTable::pump() {
  const auto& round = ready_.round();
  for (const auto place : round) {
    if (slots_[place].output->pump(loop_.now())) ready_.add(place);
    after_pump(place);
  }
  return !round.empty();
}

void OutputTable::after_pump(std::size_t place) {
  auto& slot = slots_[place];
  if (slot.watched != slot.output->openings()) {
    slot.watched = slot.output->openings();
    loop_.watch(slot.output->fd(), slot.output->events(), key(kOutlet, place));
  }
  loop_.set_timer(key(kOutlet, place), slot.output->wake_at());
}

void OutputTable::visit() {
  auto next = loop_.now() + std::chrono::hours(1);
  for (std::size_t place = 0; place < slots_.size(); ++place) {
    auto& slot = slots_[place];
    if (slot.visit_at <= loop_.now()) {
      slot.visit_at = slot.output->visit(loop_.now());
      if (slot.watched != slot.output->openings()) ready_.add(place);
      after_pump(place);
    }
    next = std::min(next, slot.visit_at);
  }
  loop_.set_timer(key(kVisits), std::max(next, loop_.now() + kVisitEach));
}

void OutputTable::end_by(const deliver::Output& output, Nanoseconds when) {
  const auto place = place_of_.at(&output);
  auto& slot = slots_[place];
  slot.output->end_by(when, loop_.now());
  slot.visit_at = {};
  ready_.add(place);
  loop_.set_timer(key(kVisits), loop_.now() + kVisitEach);
}

void OutputTable::hurry(deliver::Output& output) {
  output.hurry(loop_.now());
  loop_.set_timer(key(kOutlet, place_of_.at(&output)), output.wake_at());
}

bool OutputTable::has(const FileId& fifo) const {
  return std::any_of(slots_.begin(), slots_.end(),
                     [&](const auto& s) { return s.output->id() == fifo; });
}

bool OutputTable::all_moved() const {
  return std::all_of(slots_.begin(), slots_.end(),
                     [](const auto& s) { return s.output->all_moved(); });
}

bool OutputTable::drain(const std::function<bool(const deliver::Output&)>& is_left) {
  bool idle = true;
  for (auto& slot : slots_) {
    if (slot.output->all_moved()) slot.output->stop();
    idle = idle && (slot.output->idle() || (is_left && is_left(*slot.output)));
  }
  return idle;
}

void OutputTable::finish_frames() {
  for (std::size_t place = 0; place < slots_.size(); ++place) {
    slots_[place].output->finish_frame();
    ready_.add(place);
  }
}

void OutputTable::stop() {
  for (auto& slot : slots_) slot.output->stop();
}

}  // namespace standpipe::worker
