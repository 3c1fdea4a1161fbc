// SPDX-License-Identifier: Apache-2.0
#include "deliver/outcomes.h"

#include <algorithm>

#include "base/equal_bytes.h"
#include "base/text.h"

namespace standpipe::deliver {

Outcomes::Outcomes(Batch& of, const Flight& flight, const plugin::Answer& answer, Nanoseconds at)
    : batch(of),
      now(at),
      result_(flight.result),
      notes_(flight.notes),
      outcomes_(flight.outcomes),
      answer_(answer) {
  find_notes(flight);
  const bool all_alike = equal_bytes({outcomes_, result_.at}) == result_.at;
  if (result_.at == 0 || (all_alike && !has_reason(0))) return;
  for (auto i = result_.at; i > 0 && reason_of_ == 0; --i) {
    if (!has_reason(i - 1)) continue;
    has_failed_ = true;
    if (note_of(i - 1).empty()) reason_of_ = i;
  }
}

// Of several notes of a message the last one counts. A plugin may have written anything there.
void Outcomes::find_notes(const Flight& flight) {
  static_assert(kNotesMax <= 255);
  const auto count = std::min(flight.result.note_count, kNotesMax);
  if (count > 0) numbers_.resize(result_.at);
  for (std::uint32_t n = 0; n < count; ++n)
    if (notes_[n].message < result_.at)
      numbers_[notes_[n].message] = static_cast<std::uint8_t>(n + 1);
}

std::string_view Outcomes::note_of(std::uint32_t i) const {
  if (numbers_.empty() || numbers_[i] == 0) return {};
  const auto& note = notes_[numbers_[i] - 1];
  return {note.text, std::min<std::size_t>(note.length, sizeof note.text)};
}

std::uint32_t Outcomes::end_of_run(std::uint32_t first) const {
  const auto alike =
      first + static_cast<std::uint32_t>(equal_bytes({outcomes_ + first, at() - first}));
  if (!has_reason(first) || numbers_.empty()) return alike;
  auto last = first + 1;
  while (last < alike && note_of(last) == note_of(first)) ++last;
  return last;
}

std::string Outcomes::reason_for(std::uint32_t last) const {
  if (const auto note = note_of(last - 1); !note.empty()) return escaped(note);
  return last == reason_of_ ? answer_.reason : "its plugin gave no reason for this message";
}

}  // namespace standpipe::deliver
