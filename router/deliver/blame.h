// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "deliver/call.h"
#include "deliver/culprit.h"
#include "deliver/streak.h"
#include "state/memory.h"

namespace standpipe::deliver {

// Counts the deaths of workers against one handler, over all the workers of a run: how often its
// plugin died in each phase, what must be called with no other call in progress, and how many
// messages in a row it died on. A count is forgiven when a call of the same kind returns.
//
// Messages that may have killed a worker carry their own suspicion (Redelivery::suspect); here is
// what the handler itself has. The caller commits.
class Blame {
 public:
  static constexpr std::uint16_t kDeathsInAPhase =
      3;  // other than handle: then the handler is held
  // As many ticks in a row come back before deaths in that phase are forgiven: one that ends the
  // process now and then is none that one good tick makes up for.
  static constexpr std::uint32_t kTicksForgiven = 100;
  static constexpr std::uint32_t kDeadLettersInARow =
      5;  // of messages that a plugin died of: then it is not the messages

  Blame(state::Memory& memory, const HandlerOptions& options, std::size_t id);

  std::size_t handler() const { return id_; }

  // A worker died in a call other than handle. `deaths` counts those in that phase that are this
  // plugin's for certain.
  struct Finding {
    Verdict verdict;
    std::uint16_t deaths;
    bool is_enough() const { return deaths >= kDeathsInAPhase; }
  };
  Finding judge_call(const Death& death, Phase phase);
  // A worker died in a call of handle with messages from that one on; `alone`: it was a suspect,
  // and tried alone.
  Verdict judge_messages(const Death& death, std::uint32_t delivery, std::uint64_t first,
                         bool alone);

  bool is_to_be_alone(CallKind kind) const;
  // A call of that kind has come back. Deaths in ticks and polls are forgiven when kTicksForgiven
  // of these have.
  void forgive(CallKind returned);
  // The plugin's process has died: no tick or poll of the next one has come back.
  void begin_anew() { returns_ = 0; }

  // ---- messages that were dead-lettered since the last one that was not
  bool is_last_in_a_row() const { return record_->dead_letters_in_a_row + 1 >= kDeadLettersInARow; }
  void count_dead_letter() { ++record_.edit().dead_letters_in_a_row; }
  void end_row() {
    if (record_->dead_letters_in_a_row > 0) record_.edit().dead_letters_in_a_row = 0;
  }

 private:
  struct BlameRecord {
    Streak streak;                     // of deaths that say nothing
    std::uint16_t deaths_in[kPhases];  // since it came back from that phase the last time
    std::uint16_t
        alone_in;  // the phase in which it is to be called alone; none: it may have company
    std::uint32_t dead_letters_in_a_row;
  };
  void forget(Phase phase);
  void came_back_again(Phase phase);
  void end_streak(Phase phase);

  state::Memory& memory_;
  std::size_t id_;
  state::Persistent<BlameRecord> record_;
  std::uint32_t returns_ = 0;  // of ticks or polls, in a row
};

}  // namespace standpipe::deliver
