// SPDX-License-Identifier: Apache-2.0
#include "deliver/call.h"

#include <algorithm>
#include <atomic>

#include "plugin/handler.h"

namespace standpipe::deliver {
namespace {

constexpr std::string_view kPhaseNames[kPhases] = {"no call", "create", "open", "handle", "flush",
                                                   "close",   "reopen", "tick", "poll"};

bool is_known(Phase phase) {
  return phase != Phase::none && static_cast<std::size_t>(phase) < kPhases;
}

}  // namespace

std::string_view phase_name(Phase phase) { return kPhaseNames[static_cast<std::size_t>(phase)]; }

Call::Call(state::Memory& memory, const HandlerOptions& options, std::size_t id)
    : memory_(memory),
      record_(memory, "handler/" + options.name),
      id_(id),
      flight_(*reinterpret_cast<Flight*>(
          memory.plain_record("call/" + options.name, sizeof(Flight)).data())),
      watch_(memory.watches()[id]) {
  watch_.timeout_ns = static_cast<std::uint64_t>(options.timeout.count());
  std::fill(std::begin(watch_.name), std::end(watch_.name), '\0');
  options.name.copy(watch_.name, sizeof watch_.name - 1);
}

std::span<const std::uint32_t> Call::outputs() const {
  return {record_->output, std::min<std::uint32_t>(record_->outputs, kNotedOutputsMax)};
}

std::vector<std::uint32_t> Call::outputs_of(const state::Memory& memory,
                                            const std::string& handler) {
  const auto bytes = memory.find("handler/" + handler);
  if (bytes.empty()) return {};
  if (bytes.size() != sizeof(CallRecord))
    throw state::Damaged("a handler's record has another size");
  const auto& record = *reinterpret_cast<const CallRecord*>(bytes.data());
  return {record.output, record.output + std::min<std::uint32_t>(record.outputs, kNotedOutputsMax)};
}

Phase Call::phase() const {
  auto& flight = theirs_ ? *theirs_ : flight_;
  const auto phase = std::atomic_ref(flight.phase).load(std::memory_order_relaxed);
  return is_known(phase) ? phase : Phase::handle;
}

// The phase of a call other than handle. A faulty worker may have written anything there.
Phase Call::phase_of_death() const {
  if (is_known(flight_.phase)) return flight_.phase;
  return kind() == CallKind::create  ? Phase::create
         : kind() == CallKind::open  ? Phase::open
         : kind() == CallKind::flush ? Phase::flush
         : kind() == CallKind::tick  ? Phase::tick
         : kind() == CallKind::poll  ? Phase::poll
                                     : Phase::close;
}

// Nothing of the call before may be taken for this one's, so the child's flight is reset before the
// record is committed.
void Call::record(CallKind kind) {
  auto& record = record_.edit();
  record.kind = kind;
  record.in_child = theirs_ ? 1 : 0;
  for (auto* flight : {theirs_, &flight_}) {
    if (!flight) continue;
    flight->phase = Phase::none;
    flight->code = 0;
    store_in_order(flight->returned, std::uint32_t{0});
  }
}

void Call::use_child(Flight& theirs) {
  theirs_ = &theirs;
  watch_.timeout_ns = 0;
}

// What it points to is in the child. Whether it makes sense is for plugin::Handler::mend to say.
void Call::fetch(const Flight& theirs) {
  flight_.code = theirs.code;
  flight_.phase = theirs.phase;
  flight_.result.at = theirs.result.at;
  flight_.result.output = theirs.result.output;
  flight_.next_tick = theirs.next_tick;
  std::copy(std::begin(theirs.outcomes), std::end(theirs.outcomes), flight_.outcomes);
  flight_.result.note_count = std::min(std::uint32_t{theirs.result.note_count}, kNotesMax);
  std::copy_n(theirs.notes, flight_.result.note_count, flight_.notes);
  store_in_order(flight_.returned, std::uint32_t{theirs.returned != 0});
}

void Call::begin(CallKind kind) {
  record(kind);
  memory_.commit();
  const bool is_watched = kind == CallKind::tick || kind == CallKind::poll;
  if (is_watched && !theirs_) count_up(watch_.call);
}

bool Call::has_noted(std::span<Output* const> outputs) const {
  const auto is_recorded = [](const Output* output, std::uint32_t slot) {
    return output->index() == slot;
  };
  const auto noted = this->outputs();
  return noted.size() >= outputs.size() &&
         std::ranges::equal(outputs, noted.first(outputs.size()), is_recorded);
}

bool Call::has_noted_others_than(std::span<Output* const> outputs) const {
  return std::ranges::any_of(this->outputs(), [&](std::uint32_t slot) {
    return std::ranges::find(outputs, slot, &Output::index) == outputs.end();
  });
}

void Call::note_outputs(std::span<Output* const> outputs, std::span<Output* const> others) {
  const auto noted = this->outputs();
  if (has_noted(outputs) && noted.size() == outputs.size() + others.size()) return;
  record_outputs(outputs, others);
  memory_.commit();
}

void Call::record_outputs(std::span<Output* const> outputs, std::span<Output* const> others) {
  auto& record = record_.edit();
  record.outputs = 0;
  for (const auto& some : {outputs, others})
    for (const auto* output : some)
      if (record.outputs < kNotedOutputsMax) record.output[record.outputs++] = output->index();
}

void Call::begin_handle(Batch& batch, std::span<Output* const> outputs) {
  record(CallKind::handle);
  auto& record = record_.edit();
  record.delivery = batch.delivery().id();
  record.messages = batch.whole();
  batch.give_ticket(++record.ticket);
  if (!has_noted(outputs)) record_outputs(outputs, {});
  for (auto* flight : {theirs_, &flight_}) {
    if (!flight) continue;
    flight->point();
    plugin::Handler::prepare(flight->result, batch.count(), kNotesMax);
  }
  memory_.commit();
  if (!theirs_) count_up(watch_.call);
}

void Call::enter_on_loop(const Batch* batch) {
  static constexpr std::string_view kNames[] = {"",      "create", "open",  "handle", "reopen",
                                                "close", "close",  "flush", "tick",   "poll"};
  const auto copy = [](std::string_view from, auto& to) {
    to[from.copy(to, sizeof to - 1)] = '\0';
  };
  const bool handles = kind() == CallKind::handle && batch;
  copy(kNames[static_cast<std::size_t>(kind())], watch_.what);
  watch_.messages = handles ? batch->count() : 0;
  if (handles) {
    watch_.first = batch->sequence(0);
    copy(batch->delivery().source(), watch_.source);
  }
  count_up(watch_.on_loop);
}

// The watch first, so that the keeper sees the plugin outside of the call.
void Call::end() {
  came_back();
  if (kind() != CallKind::none) record_.edit().kind = CallKind::none;
}

void Call::forget_loop() {
  if (watch_.on_loop % 2) count_up(watch_.on_loop);
}

}  // namespace standpipe::deliver
