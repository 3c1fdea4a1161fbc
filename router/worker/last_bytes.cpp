// SPDX-License-Identifier: Apache-2.0
#include "worker/last_bytes.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "base/limits.h"
#include "base/text.h"

namespace standpipe::worker {
namespace {

using namespace std::chrono_literals;

// A fast writer may fill the FIFO's one page before we do; each such turn takes a page of it.
constexpr int kForcedTurnsMax = 1000;
// A writer that is inside a frame and wrote nothing for this long is not about to: it is not even
// waiting for room.
constexpr Nanoseconds kQuiet = 50ms;
// How much a flood may bring before it is stopped in mid-stream; the rest of an incomplete frame
// may be more.
constexpr std::uint64_t kCarefulBytesMax = 1 * MiB;

// This waits for other processes, whatever clock the hub uses.
Nanoseconds real_now() { return SystemClock().steady(); }

// Seals the FIFO directly after the splice, before anything that takes time, so that a writer that
// the splice woke comes too late.
class Sealing final : public StageHook {
 public:
  Sealing(source::Seal& seal, state::Persistent<LastBytes::State> state)
      : seal_(seal), state_(state) {}
  void in_stage(std::size_t) override { sealed_ = seal_.set(); }
  void out_of_stage(bool) override {
    if (sealed_) state_.edit().sealed = 1;
  }

 private:
  source::Seal& seal_;
  state::Persistent<LastBytes::State> state_;
  bool sealed_ = false;
};

}  // namespace

LastBytes::LastBytes(FifoStream& stream, Acceptance& acceptance, Skipping& skipping,
                     Discarding& discarding, state::Persistent<State> state, const Clock& clock,
                     Reporter& reporter)
    : stream_(stream),
      acceptance_(acceptance),
      skipping_(skipping),
      discarding_(discarding),
      state_(state),
      clock_(clock),
      reporter_(reporter) {}

void LastBytes::take(Intake& intake, std::uint64_t id, Nanoseconds patience) {
  intake.log().lift_limit();
  bool quiet = false;
  if (!was_sealed()) {
    state_.edit().seal = id;
    state_.edit().capacity = grow_pipe(stream_.fifo().fd(), 0);
    intake.memory().commit();
    quiet = read_to_seal(intake, id, patience);
  } else {
    state_.edit().sealed = 1;
    (void)acceptance_.index(intake);  // of what the dead worker had in the stage when it sealed
  }
  // A writer that was stopped in the middle of a write sees that it failed, and writes no more of
  // it.
  const bool rest_may_come = quiet && is_sealed() && stream_.fifo().has_writer();
  if (!discarding_.active() && intake.log().incomplete_bytes() > 0) abandon(intake, rest_may_come);
  if (!rest_may_come) skipping_.end();
  intake.memory().commit();
}

bool LastBytes::was_sealed() const {
  return state_->seal != 0 &&
         source::seal_of(stream_.fifo().fd(), stream_.stage().pipe) == state_->seal;
}

// First carefully: not inside a frame, unless its writer is silent, which is what it returns. Then
// by force: under a flood of writers the FIFO is empty only in the moment after our own splice.
bool LastBytes::read_to_seal(Intake& intake, std::uint64_t id, Nanoseconds patience) {
  const auto began = real_now();
  auto came = stream_.fifo().has_writer() && clock_.steady() - acceptance_.came() < kQuiet
                  ? began
                  : began - kQuiet;
  const auto enough = stream_.offset() + std::max(kCarefulBytesMax, intake.need());
  source::Seal seal(stream_.fifo().fd(), id);
  for (int forced = 0; forced < kForcedTurnsMax && !is_sealed();) {
    const bool by_force = real_now() - began >= patience || stream_.offset() >= enough;
    forced += by_force ? 1 : 0;
    const auto got = turn(intake, by_force ? &seal : nullptr);
    if (!got || (!seal.possible() && got->after != source::After::more)) return false;
    if (got->bytes > 0) came = real_now();
    if (is_sealed() || got->bytes > 0 || got->after == source::After::more) continue;
    const bool quiet = real_now() - came >= kQuiet;
    if (is_inside_frame(intake) && !quiet && !by_force) {
      (void)::usleep(1000);
    } else if (seal.set()) {
      state_.edit().sealed = 1;
      intake.memory().commit();
      return quiet;
    }
  }
  return false;
}

// nullopt: there is no memory for what comes.
std::optional<source::Accepted> LastBytes::turn(Intake& intake, source::Seal* seal) {
  std::optional<Sealing> sealing;
  if (seal) sealing.emplace(*seal, state_);
  auto* hook = sealing ? &*sealing : nullptr;
  if (!discarding_.active() && !skipping_.active()) return accept(intake, hook);
  const auto got =
      discarding_.active() ? discarding_.turn(intake, hook) : skipping_.turn(intake, hook);
  intake.memory().commit();
  return got;
}

std::optional<source::Accepted> LastBytes::accept(Intake& intake, StageHook* hook) {
  if (!acceptance_.index(intake)) return std::nullopt;
  const auto room = intake.room();
  if (room.empty()) {
    if (intake.log().incomplete_bytes() == 0) return std::nullopt;
    abandon(intake, true);  // a frame larger than all memory: what is there of it is not kept
    return source::Accepted{.after = source::After::more};
  }
  const auto got = acceptance_.accept(
      intake, room.first(std::min(room.size(), stream_.stage().pipe.capacity)), hook);
  if (!acceptance_.index(intake)) return std::nullopt;
  return got;
}

// Of an incomplete length the bytes are kept, because nobody knows yet how much belongs to it; of a
// frame, only the number of missing bytes.
void LastBytes::abandon(Intake& intake, bool rest_may_come) {
  const auto bytes = intake.log().unindexed();
  const auto came = bytes.size();
  const auto whole = intake.need();
  if (rest_may_come && whole == 0 && stream_.set_head(bytes)) return intake.drop_incomplete();
  reporter_.warning("truncated",
                    stream_.name() + ": the hub stopped inside a frame: " + counted(came, "byte") +
                        (whole ? " of " + thousands(whole) : "") + " had come from its writer");
  auto& counters = intake.edit_counters();
  ++counters.truncated;
  counters.discarded_bytes += came;
  skipping_.begin(whole > came ? whole - came : 0);
  intake.drop_incomplete();
}

// ---- from one hub to the next

void LastBytes::tell(StopNote& note) const {
  if (!is_sealed()) return;
  note.seal = state_->seal;
  note.capacity = state_->capacity;
  note.skip = skipping_.bytes();
  note.discards = discarding_.active();
  note.head = stream_.head();
  note.head_bytes = stream_.head_bytes();
}

// The page is still there only if somebody has had the FIFO open all the time: then the rest of a
// writer's frame may still come. If the page is gone, so are those writers.
void LastBytes::resume(const StopNote* note, state::Memory& memory) {
  const auto& fifo = stream_.fifo();
  const auto seal = source::seal_of(fifo.fd(), stream_.stage().pipe);
  if (!seal) return;
  if (note && note->seal == *seal && note->fifo == fifo.id()) {
    skipping_.begin(note->skip);
    if (note->discards) discarding_.resume();
    stream_.set_head(std::as_bytes(std::span(&note->head, 1))
                         .first(std::min<std::size_t>(note->head_bytes, sizeof note->head)));
    memory.commit();
  }
  source::break_seal(fifo.fd(), note ? note->capacity : 0, stream_.stage().pipe,
                     stream_.stage().dev_null);
}

}  // namespace standpipe::worker
