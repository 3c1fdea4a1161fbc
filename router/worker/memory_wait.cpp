// SPDX-License-Identifier: Apache-2.0
#include "worker/memory_wait.h"

#include <utility>

#include "base/limits.h"
#include "base/text.h"

namespace standpipe::worker {
namespace {

constexpr Nanoseconds kLong = std::chrono::seconds(10);

}  // namespace

void MemoryWait::begin() {
  if (!since_) since_ = clock_.steady();
}

bool MemoryWait::end() { return std::exchange(since_, std::nullopt).has_value(); }

// A smaller frame fits into the source's guarantee, unless its own messages are there.
std::optional<Nanoseconds> MemoryWait::large_since(const Intake& intake) const {
  return intake.log().waits_for_arena() && intake.need() > kSegmentBytes ? since_ : std::nullopt;
}

std::string MemoryWait::text(const Intake& intake) const {
  return "a frame of " + counted(intake.need(), "byte") +
         " waits for memory: too much of memory_max (" +
         size_text(intake.memory().plan().memory_max) + ") is held by others' messages";
}

std::optional<SourceState> MemoryWait::state(const Intake& intake) const {
  const auto since = large_since(intake);
  if (!since) return std::nullopt;
  return SourceState{SourceState::Kind::waiting, clock_.wall_at(*since), text(intake)};
}

void MemoryWait::remind(const Intake& intake) {
  const auto since = large_since(intake);
  const auto now = clock_.steady();
  if (!since || now - *since < kLong || !reminder_.is_due(now)) return;
  reporter_.warning(
      "memory", stream_.name() + ": " + text(intake) + "; this source is not read meanwhile",
      "`standpipe stats` shows whose messages are in flight; raise memory_max, or lower "
      "`log: { max_size: }` of those sources");
}

}  // namespace standpipe::worker
