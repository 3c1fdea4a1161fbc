// SPDX-License-Identifier: Apache-2.0
#include "worker/source_gates.h"

#include <algorithm>
#include <chrono>

#include "base/failure.h"
#include "base/file_id.h"
#include "base/text.h"
#include "source/gate.h"

namespace standpipe::worker {
namespace {

using namespace std::chrono_literals;

// How long to wait for the rest of frames that are being written: for one source, and for all.
constexpr Nanoseconds kPatienceEach = 300ms;
constexpr Nanoseconds kPatience = 1s;

}  // namespace

// If the notes cannot be written, the FIFOs stay open, and new writers are read as well.
void SourceGates::close() {
  std::vector<StopNote> notes;
  for (auto& source : sources_) {
    if (!source.inlet->has_fifo()) continue;
    source.inlet->plan_to_close();
    notes.push_back(source.inlet->stop_note());
  }
  const bool noted = data_.write_stop_notes(notes);
  for (auto& source : sources_)
    noted ? source.inlet->close_to_openings() : source.inlet->open_to_openings();
}

void SourceGates::accept_last(log::Arena& arena, std::uint64_t run) {
  arena.lift_limit();
  const auto patient_until = clock_.steady() + kPatience;
  for (auto& source : sources_) {
    auto& inlet = *source.inlet;
    const auto patience =
        std::clamp(patient_until - clock_.steady(), Nanoseconds(0), kPatienceEach);
    try {
      inlet.accept_last(run, patience);
    } catch (const Failure& failure) {
      reporter_.error("source", inlet.name() + ": " + failure.what(), failure.help());
    }
  }
}

void SourceGates::report_lost() {
  for (auto& source : sources_) {
    const auto& inlet = *source.inlet;
    const auto left = inlet.is_sealed() ? 0 : inlet.waiting();
    lost_bytes_ += left;
    if (left > 0)
      reporter_.error("shutdown", inlet.name() + ": " + counted(left, "byte") +
                                      " in its FIFO cannot be taken and " +
                                      (left == 1 ? "is" : "are") + " lost when its writers leave");
  }
}

void SourceGates::leave_notes() {
  std::vector<StopNote> notes;
  for (auto& source : sources_) {
    if (!source.inlet->has_fifo()) continue;
    source.inlet->open_to_openings();
    const auto note = source.inlet->stop_note();
    if (note.skip > 0 || note.discards || note.head_bytes > 0) notes.push_back(note);
  }
  if (notes.empty() || !data_.write_stop_notes(notes)) data_.remove_stop_notes();
}

// A closed FIFO of which nothing is known gets the configured mode.
void SourceGates::open_closed(const std::vector<source::SourceOptions>& options) {
  left_ = data_.read_stop_notes();
  for (const auto& s : options) {
    if (s.origin != source::Origin::fifo || !source::is_closed(s.path)) continue;
    const auto id = FileId::at(s.path);
    const auto note = std::find_if(left_.begin(), left_.end(),
                                   [&](const StopNote& n) { return id == n.fifo && n.mode; });
    const bool known = note != left_.end();
    if (source::open_again(s.path, known ? *note->mode : s.mode) && !known)
      reporter_.warning(
          "fifo-mode",
          s.name + ": " + s.path +
              " was closed (mode 0000), as by a hub that was killed while it stopped; " +
              "its mode is the configured one now");
  }
}

void SourceGates::resume() {
  for (auto& source : sources_) {
    if (!source.inlet->has_fifo()) continue;
    const auto id = source.inlet->fifo().id();
    const auto note = std::find_if(left_.begin(), left_.end(),
                                   [&](const StopNote& n) { return n.fifo == id && n.seal; });
    source.inlet->resume(note == left_.end() ? nullptr : &*note);
  }
  left_.clear();
  data_.remove_stop_notes();
}

}  // namespace standpipe::worker
