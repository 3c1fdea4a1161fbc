// SPDX-License-Identifier: Apache-2.0
// Inlet: the hub stops, and the next one begins where it ended.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "base/clock.h"
#include "base/limits.h"
#include "base/text.h"
#include "worker/inlet.h"

namespace standpipe::worker {
namespace {

using namespace std::chrono_literals;

// A writer that is quick enough may fill the FIFO's one page before we do; each such turn takes a page of it.
constexpr int kForcedTurnsMax = 1000;
// A writer that is inside a frame and wrote nothing for that long is not about to: it does not even wait for room.
constexpr Nanoseconds kQuiet = 50ms;
// What a flood may bring before it is stopped where it is; the end of a frame that was begun before may be more.
constexpr std::uint64_t kCarefulBytesMax = 1 * MiB;

// What is waited for here is other processes, whatever clock the hub goes by.
Nanoseconds real_now() { return SystemClock().steady(); }

}  // namespace

// ---- the mode

void Inlet::plan_to_close() {
  if (kept_->closed) return;
  const auto mode = source::mode_of(fifo_.fd());
  if (!mode) return;
  auto& kept = kept_.edit();
  kept.closed = 1;
  kept.mode = *mode;
  memory().commit();
}

void Inlet::close_to_openings() {
  if (!kept_->closed || source::set_mode(fifo_.fd(), 0)) return;
  kept_.edit().closed = 0;
  memory().commit();
}

void Inlet::open_to_openings() {
  if (!kept_->closed) return;
  (void)source::set_mode(fifo_.fd(), kept_->mode);
  kept_.edit().closed = 0;
  memory().commit();
}

// ---- while handlers are still served

void Inlet::begin_stop() {
  allowance_ = fifo_.waiting();
  stopped_ = false;
}

// Stopping: what waited in the FIFO then, and the rest of the frame that it ends in.
std::uint64_t Inlet::allowed() const {
  const auto partial = log_.partial_bytes();
  if (*allowance_ > 0 || partial == 0) return *allowance_;
  return kept_->need ? kept_->need - partial : 1;  // byte by byte until the length is known
}

void Inlet::read_on() {
  allowance_.reset();
  stopped_ = reads_on_ = true;
}

void Inlet::cut_feed() {
  if (!feeds()) return;
  log_.drop_unindexed();
  spills_->cut(log_.end().position);
}

// ---- the last bytes

void Inlet::take_last(const Pipe& stage, int dev_null, std::uint64_t id, Nanoseconds patience) {
  if (kept_->sealed && log_.partial_bytes() == 0) return;
  cut_feed();
  read_on();
  log_.lift_limit();
  bool quiet = false;
  if (!was_sealed(stage)) {
    auto& kept = kept_.edit();
    kept.seal = id;
    kept.capacity = grow_pipe(fifo_.fd(), 0);
    memory().commit();
    quiet = read_to_seal(stage, dev_null, id, patience);
  } else {
    kept_.edit().sealed = 1;
  }
  // Who was stopped in the middle of a write sees that it failed, and writes no more of it.
  const bool rest_may_come = quiet && is_sealed() && fifo_.has_writer();
  if (!kept_->discards && log_.partial_bytes() > 0) abandon_partial(rest_may_come);
  if (!rest_may_come) kept_.edit().skip = 0;
  memory().commit();
  reads_on_ = false;
}

bool Inlet::was_sealed(const Pipe& stage) const { return kept_->seal != 0 && source::seal_of(fifo_.fd(), stage) == kept_->seal; }

// First with care: not inside a frame, unless its writer is silent; that is what it returns. Then by force: a flood of writers
// leaves no moment in which the FIFO is empty but the one behind our own splice.
bool Inlet::read_to_seal(const Pipe& stage, int dev_null, std::uint64_t id, Nanoseconds patience) {
  const auto began = real_now();
  auto came = fifo_.has_writer() && clock_.steady() - came_ < kQuiet ? began : began - kQuiet;
  const auto enough = kept_->stream_offset + std::max(kCarefulBytesMax, kept_->need);
  source::Seal seal(fifo_.fd(), id);
  for (int forced = 0; forced < kForcedTurnsMax && !kept_->sealed;) {
    const bool by_force = real_now() - began >= patience || kept_->stream_offset >= enough;
    forced += by_force ? 1 : 0;
    const auto got = last_turn(stage, dev_null, by_force ? &seal : nullptr);
    if (!got || (!seal.possible() && got->after != source::After::more)) return false;
    if (got->bytes > 0) came = real_now();
    if (kept_->sealed || got->bytes > 0 || got->after == source::After::more) continue;
    const bool inside = log_.partial_bytes() > 0 || kept_->skip > 0;
    const bool quiet = real_now() - came >= kQuiet;
    if (inside && !quiet && !by_force) {
      (void)::usleep(1000);
    } else if (seal.set()) {
      kept_.edit().sealed = 1;
      memory().commit();
      return quiet;
    }
  }
  return false;
}

// As a turn of accept; but with a seal the FIFO is sealed between the splice and all that takes time, before a writer that the
// splice woke is there. nullopt: there is no memory for what comes.
std::optional<source::Accepted> Inlet::last_turn(const Pipe& stage, int dev_null, source::Seal* seal) {
  if (kept_->discards || kept_->skip > 0) return last_discard(stage, dev_null, seal);
  if (!index()) return std::nullopt;
  const auto room = log_.room(kept_->need);
  if (room.empty()) {
    if (log_.partial_bytes() == 0) return std::nullopt;
    abandon_partial(true);  // a frame larger than all memory: what is there of it is not kept
    return source::Accepted{.after = source::After::more};
  }
  const auto got = take(log::Step::accept, stage, std::min(room.size(), stage.capacity));
  const bool sealed = seal && seal->set();
  (void)source::read_stage(stage, room.first(got.bytes));
  took(got.bytes);
  if (sealed) kept_.edit().sealed = 1;
  memory().commit();
  if (!index()) return std::nullopt;
  return got;
}

source::Accepted Inlet::last_discard(const Pipe& stage, int dev_null, source::Seal* seal) {
  const auto most = kept_->discards ? stage.capacity : std::min<std::uint64_t>(kept_->skip, stage.capacity);
  const auto got = take(log::Step::discard, stage, most);
  const bool sealed = seal && seal->set();
  source::discard_stage(stage, dev_null);
  threw_away(got.bytes);
  if (sealed) kept_.edit().sealed = 1;
  memory().commit();
  return got;
}

// Of a length that is not whole the bytes are kept, for nobody knows yet how much belongs to it; of a frame, only how much is still
// to come.
void Inlet::abandon_partial(bool rest_may_come) {
  const auto bytes = log_.unindexed();
  const auto came = bytes.size();
  const auto whole = kept_->need;
  auto& kept = kept_.edit();
  if (rest_may_come && whole == 0 && came < sizeof kept.head) {
    std::memcpy(&kept.head, bytes.data(), came);
    kept.head_bytes = static_cast<std::uint32_t>(came);
  } else {
    reporter_.warning("truncated", name() + ": the hub stopped inside a frame: " + counted(came, "byte") +
                                       (whole ? " of " + thousands(whole) : "") + " had come from its writer");
    ++kept.books.truncated;
    kept.books.discarded_bytes += came;
    kept.skip = whole > came ? whole - came : 0;
  }
  kept.need = 0;
  log_.drop_unindexed();
}

std::uint64_t Inlet::spill_bytes() const {
  constexpr std::uint64_t kRecordBytes = 40;  // what a message takes besides its frame
  return log_.end().position - log_.trimmed().position + kRecordBytes * (log_.end().sequence - log_.trimmed().sequence);
}

// ---- from one hub to the next

StopNote Inlet::stop_note() const {
  StopNote note{.source = name(), .fifo = fifo_.id()};
  if (kept_->closed) note.mode = kept_->mode;
  if (!kept_->sealed) return note;
  note.seal = kept_->seal;
  note.capacity = kept_->capacity;
  note.skip = kept_->skip;
  note.discards = kept_->discards != 0;
  note.head = kept_->head;
  note.head_bytes = kept_->head_bytes;
  return note;
}

// The page is still there only if somebody has had the FIFO open all the time: then what a writer owed may still come, and if it is
// gone, so are its writers.
void Inlet::resume(const StopNote* note, const Pipe& stage, int dev_null) {
  const auto seal = source::seal_of(fifo_.fd(), stage);
  if (!seal) return;
  if (note && note->seal == *seal && note->fifo == fifo_.id()) {
    auto& kept = kept_.edit();
    kept.skip = note->skip;
    kept.discards = note->discards ? 1 : 0;
    kept.refusal_said = kept.discards;
    kept.refused_ns = static_cast<std::uint64_t>(clock_.steady().count());
    kept.discards_since_ns = static_cast<std::uint64_t>(clock_.wall().count());
    if (note->head_bytes > 0) {
      const auto room = log_.room(0);
      const auto bytes = std::min<std::size_t>({note->head_bytes, sizeof note->head, room.size()});
      std::memcpy(room.data(), &note->head, bytes);
      log_.filled(bytes);
      kept_.edit().stream_offset += bytes;
    }
    memory().commit();
  }
  source::break_seal(fifo_.fd(), note ? note->capacity : 0, stage, dev_null);
}

}  // namespace standpipe::worker
