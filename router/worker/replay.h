// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "deliver/delivery.h"
#include "deliver/letter_selection.h"
#include "log/arena.h"
#include "log/log.h"
#include "state/directory.h"
#include "state/persistent.h"

namespace standpipe::worker {

struct ReplayOptions {
  std::string source, handler;
  std::uint32_t slot = 0;              // among the replays
  std::uint64_t message_size_max = 0;  // bytes of a payload, of the source
};

// Brings dead letters of one source and one handler to that handler again.
//
//   files ─ LetterSelection ─▶ feed ─▶ log of the replay ─ delivery ─▶ handler
//                                                          └ settled ─▶ passed ─▶ letters go
//
// Its log is not the source's: there the end may be a frame that is not whole yet, and what a
// handler does not take would hold back its neighbours. So its delivery alone says what became of
// replayed messages, and a queue, an overflow or a spill of live ones never has any of them. They
// are counted as accepted and matched by their source once more, and by this delivery; those that
// are withdrawn, because the hub stops or a person ends the replay, as if they had never come.
//
// A letter stays in its file until its message is final here: so it is lost in no death, and
// delivered twice at most. While the run lives, the identities of what is in the log are in the
// memory, so the next worker goes on with those, and knows what else is left. A message that fails
// again is a letter of its own by then, with a number of its own, and is with the kernel before
// this one goes.
//
// It lives as long as the run, since outputs remember its delivery. The loop's thread only.
class Replay {
 public:
  using Letter = deliver::LetterSelection::Letter;
  // Counts messages, and bytes of their frames, of the source: with the commit that follows.
  using Count = std::function<void(std::int64_t messages, std::int64_t bytes)>;

  // `number`: of this one among those of the run, from 0; of one that is there already it is not
  // asked. Commits.
  Replay(ReplayOptions options, log::Arena& arena, std::uint64_t number, Count count);

  // Of one that an earlier worker left: whether nothing of it is left to be done. The caller
  // commits.
  static bool is_over(const state::Memory& memory, const std::string& source,
                      const std::string& handler);
  static void rename(state::Memory& memory, const std::string& from, const std::string& to,
                     const std::string& handler);
  // false: its log was not trimmed yet, so it goes the next time.
  static bool remove(state::Memory& memory, state::Directory& directory, const std::string& source,
                     const std::string& handler);
  static std::uint32_t delivery_id(const state::Memory& memory, std::uint32_t slot) {
    return static_cast<std::uint32_t>(memory.plan().deliveries + memory.plan().queues) + slot;
  }

  const std::string& source() const { return options_.source; }
  const std::string& handler() const { return options_.handler; }
  log::Log& log() { return log_; }
  deliver::Delivery& delivery() { return *delivery_; }
  const deliver::Delivery& delivery() const { return *delivery_; }
  std::uint32_t delivery_id() const { return delivery_->id(); }
  // For the handler; once.
  std::unique_ptr<deliver::Delivery> take_delivery() { return std::move(made_); }

  // An earlier worker died: what it was putting into the log is not there.
  void recover();
  // From here on is counted what becomes of messages.
  void begin_counting();
  std::uint64_t delivered() const;  // or filtered
  std::uint64_t refused() const;    // they are letters again

  // ---- letters -> log
  // Puts the first ones of them into the log, as many as there is room for, at most `most`: returns
  // how many. Those that are larger than a message of the source may be are not to come here.
  std::size_t feed(std::span<const Letter> letters, std::size_t most, std::uint64_t accepted_ns);
  bool is_too_large(const Letter& letter) const {
    return letter.payload.size() > options_.message_size_max;
  }
  // Everything that nobody has is taken back: its letters stay. Returns how many messages.
  std::uint64_t withdraw();

  // ---- what the handler is through with
  void trim();
  // Letters whose messages are final, and which may go; and what to say when they are gone.
  struct Passed {
    std::vector<std::uint64_t> letters;
    std::uint64_t until = 0;
  };
  Passed passed();
  void gone(const Passed& passed);
  bool has_passed() const { return state_->left < delivery_->settled().sequence.number; }
  // Messages in the log, or whose letters are still to go.
  bool is_busy() const { return has_passed() || in_hand() > 0; }
  std::uint64_t in_hand() const;  // messages that are not final
  // The letters of all these.
  std::unordered_set<std::uint64_t> open_letters() const;

  void check_invariants() const;

 private:
  // What outlives the worker, besides the letters: those stand where their messages' numbers in the
  // log say; 0: it stays.
  struct State {
    std::uint64_t base;     // of the numbers that letters of messages get which fail again
    std::uint64_t next;     // number in the log of the next message
    std::uint64_t left;     // letters of messages before that one have left, or stay
    std::uint64_t dropped;  // by the delivery, when `left` moved last
    std::uint64_t delivered, refused;  // when the counting began
  };

  std::size_t window() const;
  std::size_t feed_run(std::span<const Letter> letters, std::size_t most, std::uint64_t time_ns);
  bool feed_described(const Letter& letter, std::uint64_t time_ns);
  void note_fed(std::span<const Letter> letters, std::uint64_t first, std::int64_t bytes);
  state::Persistent<std::uint64_t> letter(std::uint64_t number) const {
    return {memory_, letters_ + number % kReplayWindow};
  }

  ReplayOptions options_;
  state::Memory& memory_;
  state::Persistent<State> state_;
  std::uint64_t* letters_;
  log::Log log_;
  std::unique_ptr<deliver::Delivery> made_;
  deliver::Delivery* delivery_;
  Count count_;
};

}  // namespace standpipe::worker
