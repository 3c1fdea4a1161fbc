// SPDX-License-Identifier: Apache-2.0
// Hub: while it stops its sources' FIFOs are closed, and whatever was written to them is taken; the next one opens them again.
#include <algorithm>
#include <chrono>

#include "base/failure.h"
#include "base/text.h"
#include "worker/event_key.h"
#include "worker/hub.h"

namespace standpipe::worker {
namespace {

using namespace std::chrono_literals;

// For the ends of frames whose writers are at them: of one source, and of all.
constexpr Nanoseconds kPatienceEach = 300ms;
constexpr Nanoseconds kPatience = 1s;

}  // namespace

// ---- the stop

// The modes are on the disk before they are changed. Where that fails, the FIFOs stay open: whoever comes is read as well.
void Hub::close_sources() {
  std::vector<StopNote> notes;
  for (const auto& inlet : inlets_) {
    inlet->plan_to_close();
    notes.push_back(inlet->stop_note());
  }
  const bool noted = data_.write_stop_notes(notes);
  for (const auto& inlet : inlets_) noted ? inlet->close_to_openings() : inlet->open_to_openings();
}

// For what is in memory, as if nothing of it could be delivered.
void Hub::take_room() {
  if (!data_.works()) return;
  std::uint64_t bytes = 0;
  for (const auto& inlet : inlets_) bytes += inlet->spill_bytes();
  if (const auto failure = spill_room_.take(data_.path(), bytes))
    reporter_.warning("spill-room", "what cannot be delivered may not be saved as a whole: " + std::string(failure->what()),
                      failure->help());
}

// A hub that writes to its own sources has more to deliver as long as something comes back. (What goes in a circle ends with
// drain_timeout.)
bool Hub::goes_round() const {
  return std::any_of(inlets_.begin(), inlets_.end(),
                     [&](const auto& inlet) { return inlet->fifo().waiting() > 0 && fed_by_ourselves(*inlet); });
}

bool Hub::fed_by_ourselves(const Inlet& inlet) const {
  const auto id = inlet.fifo().id();
  return std::any_of(outlets_.begin(), outlets_.end(), [&](const auto& o) { return o.output->id() == id; });
}

// Outputs have stopped: what they wrote to our own sources is taken here, too.
void Hub::take_last() {
  arena_.lift_limit();
  const auto patient_until = clock_.steady() + kPatience;
  for (auto& inlet : inlets_) {
    const auto patience = std::clamp(patient_until - clock_.steady(), Nanoseconds(0), kPatienceEach);
    try {
      inlet->take_last(stage_, dev_null_.get(), run_->id, patience);
    } catch (const Failure& failure) {
      reporter_.error("source", inlet->name() + ": " + failure.what(), failure.help());
    }
    const auto left = inlet->is_sealed() ? 0 : inlet->fifo().waiting();
    if (left > 0)
      reporter_.error("shutdown", inlet->name() + ": " + counted(left, "byte") + " in its FIFO cannot be taken and " +
                                      (left == 1 ? "is" : "are") + " lost when its writers leave");
  }
}

// All is saved: the FIFOs are as they were, though nobody can write to them before there is another hub.
void Hub::leave_notes() {
  std::vector<StopNote> notes;
  for (const auto& inlet : inlets_) {
    inlet->open_to_openings();
    const auto note = inlet->stop_note();
    if (note.skip > 0 || note.discards || note.head_bytes > 0) notes.push_back(note);
  }
  if (notes.empty() || !data_.write_stop_notes(notes)) data_.remove_stop_notes();
}

// ---- the start

// What a hub left closed that was killed while it stopped. A closed FIFO of which nothing is known gets the configured mode.
void Hub::open_closed_sources() {
  left_by_last_ = data_.read_stop_notes();
  for (const auto& s : options_.sources) {
    if (!source::is_closed(s.path)) continue;
    const auto id = source::id_of(s.path);
    const auto note =
        std::find_if(left_by_last_.begin(), left_by_last_.end(), [&](const StopNote& n) { return id == n.fifo && n.mode; });
    const bool known = note != left_by_last_.end();
    if (source::open_again(s.path, known ? *note->mode : s.mode) && !known)
      reporter_.warning("fifo-mode", s.name + ": " + s.path +
                                         " was closed (mode 0000), as by a hub that was killed while it stopped; " +
                                         "its mode is the configured one now");
  }
}

void Hub::resume_sources() {
  for (auto& inlet : inlets_) {
    const auto id = inlet->fifo().id();
    const auto note =
        std::find_if(left_by_last_.begin(), left_by_last_.end(), [&](const StopNote& n) { return n.fifo == id && n.seal; });
    inlet->resume(note == left_by_last_.end() ? nullptr : &*note, stage_, dev_null_.get());
  }
  left_by_last_.clear();
  data_.remove_stop_notes();
}

}  // namespace standpipe::worker
