// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <standpipe/plugin.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/in_order.h"
#include "base/limits.h"
#include "deliver/batch.h"
#include "deliver/options.h"
#include "deliver/output.h"
#include "state/memory.h"

namespace standpipe::deliver {

// What a plugin is called for.
enum class CallKind : std::uint32_t {
  none,
  create,
  open,
  handle,
  reopen,
  disconnect,
  close,
  flush,
  tick,
  poll,
};

// Which of its functions a plugin is in during a call: for people, and to know whether it dies in
// the same one again.
enum class Phase : std::uint32_t { none, create, open, handle, flush, close, reopen, tick, poll };
constexpr std::size_t kPhases = 9;
std::string_view phase_name(Phase phase);

// How far a call is, written in the plugin's place while it is in progress, on whatever thread.
// Plain words: they are never rolled back, so after a death they show what the plugin had done.
struct Flight {
  std::uint32_t code;
  std::uint32_t returned;
  Phase phase;
  standpipe_result result;
  std::uint64_t next_tick;  // of a call of tick: what the plugin asked for
  std::uint8_t outcomes[kBatchMessages];
  standpipe_note notes[kNotesMax];

  // In this process; what the result points to was another's.
  void point() {
    result.outcomes = outcomes;
    result.notes = notes;
  }

  void enter(Phase which) { store_in_order(phase, which); }
  void note_return() { store_in_order(returned, std::uint32_t{1}); }
};

// Records a handler's calls in the memory that outlives the worker. A call is recorded before it is
// made, so a death names it; its end is committed together with its results, so it is settled once.
// For the keeper, which watches for calls that do not return, each call of handle, tick and poll
// increments a word of the handler's watch at its begin and at its end; but not for one in a child,
// which the worker itself ends.
//
// One call at a time: begin -> (the plugin's place writes the flight) -> end, committed by the
// caller
class Call {
 public:
  // `id`: the handler's number in the hub.
  Call(state::Memory& memory, const HandlerOptions& options, std::size_t id);

  std::size_t id() const { return id_; }

  // ---- the call in progress, or the one that was when an earlier worker died
  CallKind kind() const { return record_->kind; }
  Flight& flight() const { return flight_; }
  // It was, or is, made in a child: no death of the worker is its doing.
  bool is_in_child() const { return kind() != CallKind::none && record_->in_child != 0; }
  bool is_cut_off() const { return kind() != CallKind::none && !flight_.returned; }
  std::uint32_t delivery() const { return record_->delivery; }      // of a call of handle: its id,
  const Redelivery& messages() const { return record_->messages; }  // the messages,
  std::uint64_t ticket() const { return record_->ticket; }          // what the plugin knows it by,
  std::span<const std::uint32_t> outputs()
      const;            // and what its handler sends to, from number 1 on
  Phase phase() const;  // for people: another thread writes it
  Phase phase_of_death() const;

  // What a handler sent to that an earlier worker left, by their slots.
  static std::vector<std::uint32_t> outputs_of(const state::Memory& memory,
                                               const std::string& handler);

  // ---- calls in a child, which writes `theirs`: memory that outlives the worker as well, but that
  // a plugin gone wild may write to at any time. So it is read once, by `fetch`, into the flight.
  void use_child(Flight& theirs);
  void fetch(const Flight& theirs);
  void fetch() {
    if (theirs_) fetch(*theirs_);
  }
  bool uses_child() const { return theirs_ != nullptr; }
  // The child had begun with the call.
  bool has_entered() const { return flight_.phase != Phase::none; }

  // Whether `outputs` begins with these, and whether it has others.
  bool has_noted(std::span<Output* const> outputs) const;
  bool has_noted_others_than(std::span<Output* const> outputs) const;

  // ---- recording. These commit.
  // What the handler sends to since it was opened, and behind those the others that it had before
  // and that are not to end yet. Costs next to nothing when that is recorded.
  void note_outputs(std::span<Output* const> outputs, std::span<Output* const> others = {});
  void begin(CallKind kind);
  // The batch gets a ticket that no call of the handler had in this run.
  void begin_handle(Batch& batch, std::span<Output* const> outputs);
  // The loop itself is in the call from here to there, whatever its kind. What the call is stands
  // in the watch: the keeper reports it when the call does not come back. `batch`: of a call of
  // handle.
  void enter_on_loop(const Batch* batch);
  void leave_on_loop() { count_up(watch_.on_loop); }

  // The call has come back: the keeper need not watch it any more.
  void came_back() {
    if (watch_.call % 2) count_up(watch_.call);
  }
  // Its messages were dropped while it is in progress: no later worker settles it. It is watched
  // all the same, and `end` follows. The caller commits.
  void write_off() { record_.edit().kind = CallKind::none; }
  // It is settled. The caller commits.
  void end();
  // What an earlier worker's watch says is of the past. `end` follows when the call was settled.
  void forget_loop();

 private:
  static constexpr std::size_t kNotedOutputsMax = 2 * kOutputsMax;  // of two configurations
  struct CallRecord {
    CallKind kind;
    std::uint32_t delivery;
    std::uint32_t in_child;
    std::uint64_t ticket;
    Redelivery messages;
    std::uint32_t outputs;
    std::uint32_t output[kNotedOutputsMax];
  };

  void record(CallKind kind);
  void record_outputs(std::span<Output* const> outputs, std::span<Output* const> others);
  static void count_up(std::uint64_t& word) { store_in_order(word, std::uint64_t{word + 1}); }

  state::Memory& memory_;
  state::Persistent<CallRecord> record_;
  std::size_t id_;
  Flight& flight_;
  Flight* theirs_ = nullptr;  // of calls in a child
  state::Watch& watch_;
};

}  // namespace standpipe::deliver
