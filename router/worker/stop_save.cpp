// SPDX-License-Identifier: Apache-2.0
#include "worker/stop_save.h"

#include <cstdint>

#include "base/failure.h"
#include "base/text.h"

namespace standpipe::worker {

void StopSave::reserve_spill_room() {
  if (!data_.works()) return;
  std::uint64_t bytes = 0;
  for (const auto& source : sources_) bytes += source.inlet->spill_bytes();
  if (const auto failure = room_.reserve(data_.path(), bytes))
    reporter_.warning(
        "spill-room",
        "what cannot be delivered may not be saved as a whole: " + std::string(failure->what()),
        failure->help());
}

void StopSave::save() {
  for (auto& source : sources_) {
    room_.give_back(source.inlet->spill_bytes());
    if (!spill(source)) drop(source);
  }
  room_ = {};
}

bool StopSave::spill(SourceSlot& source) try {
  auto& inlet = *source.inlet;
  if (!inlet.spills()) return false;
  const auto spilled =
      inlet.spills()->spill({inlet.deliveries().begin(), inlet.deliveries().end()});
  for (const auto* delivery : inlet.deliveries())
    if (const auto left = delivery->in_flight() - delivery->saved())
      reporter_.info(path_of(source, *delivery) + ": " +
                     counted(left, "message waits", "messages wait") + " in " + spilled.path +
                     " for the next start");
  if (spilled.unfed)
    reporter_.info(inlet.name() + ": " + counted(spilled.unfed, "message") + " of an earlier run " +
                   (spilled.unfed == 1 ? "waits" : "wait") + " on in " + spilled.path);
  return true;
} catch (const Failure& failure) {
  reporter_.error("spill",
                  source.inlet->name() + ": what is left cannot be saved: " + failure.what(),
                  failure.help());
  return false;
}

// Messages that an earlier run saved are still in its files.
void StopSave::drop(SourceSlot& source) {
  auto& inlet = *source.inlet;
  const auto in_files = inlet.spills() ? inlet.spills()->comes_again_before() : log::Cursor{};
  for (auto* delivery : inlet.deliveries()) {
    const auto left = delivery->in_flight() - delivery->saved();
    if (left == 0) continue;
    const auto who = path_of(source, *delivery) + ": ";
    const auto again = delivery->drop_rest(deliver::Reason::shutdown, in_files);
    if (again > 0)
      reporter_.info(who + counted(again, "message") + " of an earlier run " +
                     (again == 1 ? "waits" : "wait") + " on where " +
                     (again == 1 ? "it was" : "they were") + ", for the next start");
    source.has_dropped = source.has_dropped || left > again;
    if (left > again)
      reporter_.warning("shutdown", who + counted(left - again, "message") +
                                        " could not be delivered in time and " +
                                        (left - again == 1 ? "is" : "are") + " dropped (shutdown)");
  }
}

std::string StopSave::path_of(const SourceSlot& source, const deliver::Delivery& delivery) const {
  return source.inlet->name() + " -> " +
         handlers_[source.inlet->matcher().handlers()[delivery.bit()]].name();
}

}  // namespace standpipe::worker
