// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

#include "base/text.h"
#include "deliver/culprit.h"
#include "worker/event_key.h"
#include "worker/hub.h"

// What outlives the worker: how a hub begins to keep it, and takes up what an earlier one left.
namespace standpipe::worker {
namespace {

constexpr Nanoseconds kCallsLook = std::chrono::seconds(5);

}  // namespace

std::unique_ptr<log::Memory> Hub::take_memory() {
  log::MemoryPlan plan{options_.memory_max, options_.sources.size(), 0, options_.handlers.size()};
  for (std::size_t i = 0; i < options_.sources.size(); ++i) {
    matchers_.emplace_back(i, options_.routes, options_.unmatched);
    plan.deliveries += matchers_.back().handlers().size();
  }
  if (auto kept = link_.take(keeper::kMemoryName)) {
    auto memory = std::make_unique<log::Memory>(std::move(*kept));
    if (memory->plan() != plan) throw log::Memory::Damaged("it is of another configuration");
    return memory;
  }
  auto memory = std::make_unique<log::Memory>(plan);
  link_.keep(keeper::kMemoryName, memory->fd());
  return memory;
}

std::uint64_t Hub::begin_run() {
  if (run_->id == 0) run_.edit() = {std::random_device()() | std::uint64_t{1} << 32, clock_.wall().count(), 0};
  return run_->id;
}

Pipe Hub::take_stage() {
  auto out = link_.take("stage-out"), in = link_.take("stage-in");
  if (out && in) {
    const auto capacity = grow_pipe(in->get(), 0);
    return {std::move(*out), std::move(*in), capacity};
  }
  auto stage = Pipe::make(budget_.stage);
  link_.keep("stage-out", stage.read_end.get());
  link_.keep("stage-in", stage.write_end.get());
  return stage;
}

// Ends the step that an earlier worker died in, and settles the calls that were in progress. Then the books close again.
void Hub::take_up() {
  const auto how = saves_ ? deliver::Death() : death();  // what is only saved is nobody's fault
  for (auto& inlet : inlets_) inlet->take_up(stage_, dev_null_.get());
  take_up_outputs();
  if (memory_->step() != log::Step::none) throw log::Memory::Damaged("it says a step of nobody");
  arena_.forget_unclaimed();
  if (how.is_hubs_own())
    reporter_.say({.severity = Severity::error,
                   .code = "bug",
                   .message = "the worker " + how.text() + " in its own code: this is a mistake in the program",
                   .notes = how.backtrace(),
                   .help = {"please report it with these lines"}});
  for (auto& handler : handlers_) handler->take_up(how, now_);
  for (std::size_t i = 0; i < inlets_.size(); ++i) dirty_inlets_.add(i);
  for (const auto& inlet : inlets_) inlet->check_invariants();
  for (auto* delivery : deliveries_) delivery->check_invariants();
}

// Where the thread was that the last worker died in.
deliver::CrashNote& Hub::crash_note() const {
  return *reinterpret_cast<deliver::CrashNote*>(memory_->plain_record(log::kCrashRecord, sizeof(deliver::CrashNote)).data());
}

deliver::Death Hub::death() const {
  const auto& shared = memory_->shared();
  for (std::size_t h = 0; h < handlers_.size(); ++h) {
    const auto& watch = memory_->watches()[h];
    if (watch.call % 2 && watch.hung == watch.call) return deliver::Death::by_hang(h, duration_text(options_.handlers[h].timeout));
    if (watch.on_loop % 2 && watch.stuck == watch.on_loop)
      return deliver::Death::by_hang(h, "half of the service manager's watchdog time");
  }
  const auto calls = std::count_if(handlers_.begin(), handlers_.end(), [](const auto& h) { return h->was_in_call(); });
  return deliver::Death::of(static_cast<int>(shared.last_status), memory_->culprit(), static_cast<std::size_t>(calls),
                            crash_note());
}

void Hub::take_up_outputs() {
  const auto requests = deliver::Output::kept(*memory_);
  for (const auto& request : requests) {
    auto output = std::make_unique<deliver::Output>(request, around_outputs(), deliver::Output::Made::before);
    made_.push_back({request.path, output->id(), request.resend, std::move(output)});
  }
  adopt_outputs();
}

deliver::Output::Around Hub::around_outputs() {
  return {reporter_, [this](deliver::Delivery& d) { settled(d); },
          [this](std::uint32_t id) -> deliver::Delivery& { return delivery_with(id); }, budget_.output_stage, budget_.output_fifo};
}

deliver::Delivery& Hub::delivery_with(std::uint32_t id) {
  if (id >= deliveries_.size()) throw log::Memory::Damaged("it names a delivery that there is not");
  return *deliveries_[id];
}

const deliver::HandlerLoop& Hub::handler_of(const deliver::Delivery& delivery) const {
  return *handlers_[handlers_of_[inlet_of_.at(&delivery.log())][delivery.bit()]];
}

deliver::Output& Hub::output(std::uint32_t index) {
  if (index >= outlets_.size()) throw log::Memory::Damaged("it names an output that there is not");
  return *outlets_[index].output;
}

// A message that may have killed its worker is tried with nobody else in a call, so that the next death is certain to be its doing.
// Whoever wants that has to wait for the calls in progress; others wait meanwhile.
bool Hub::admit(deliver::HandlerLoop& handler, bool alone) {
  if (alone_ || (wants_alone_ && wants_alone_ != &handler)) return false;
  if (alone) wants_alone_ = calls_ > 0 ? &handler : nullptr;
  if (wants_alone_) return false;
  ++calls_;
  alone_ = alone;
  if (!std::exchange(looks_at_calls_, true)) timers_.set(key(kCalls), now_ + kCallsLook);
  return true;
}

// While calls are in progress, each few seconds.
void Hub::look_at_calls() {
  looks_at_calls_ = false;
  for (const auto& handler : handlers_) {
    handler->remind_of_call(now_);
    looks_at_calls_ |= handler->in_call();
  }
  if (looks_at_calls_) timers_.set(key(kCalls), now_ + kCallsLook);
}

void Hub::release() {
  --calls_;
  alone_ = false;
  unblock_handlers();
}

std::optional<Failure> Hub::put_aside(std::span<const deliver::DeadLetter> letters) { return data_.put_aside(letters); }

void Hub::on_keeper() {
  const auto event = link_.on_readable();
  const auto asked = link_.asked();
  if (saves_) return;
  on_asked(asked);
  if (event != keeper::Link::Event::lost) return;
  reporter_.error("keeper", "the keeper is dead, so nobody would go on if this worker died: it ends");
  if (!stopping_) begin_stop();
  deadline_ = now_;
}

}  // namespace standpipe::worker
