// SPDX-License-Identifier: Apache-2.0
#include "worker/source_table.h"

#include <utility>

namespace standpipe::worker {

SourceSlot& SourceTable::add(std::unique_ptr<Inlet> inlet, FifoWatch watch) {
  number_of_[&inlet->log()] = slots_.size();
  return slots_.emplace_back(SourceSlot{.inlet = std::move(inlet),
                                        .watch = watch,
                                        .is_departed = false,
                                        .queues = {},
                                        .replays = {},
                                        .handlers = {},
                                        .relay = {}});
}

void SourceTable::want_turns() {
  for (std::size_t i = 0; i < slots_.size(); ++i) ready_.add(i);
}

const std::vector<std::size_t>& SourceTable::trim() {
  stuck_.clear();
  for (const auto i : dirty_.round()) {
    const bool has_room = slots_[i].inlet->trim();
    auto& slot = slots_[i];
    if (!slot.is_full) continue;
    const bool is_let_in = slot.is_blocked && !slot.inlet->is_blocked();
    if (has_room || is_let_in)
      ready_.add(i);
    else
      stuck_.push_back(i);
  }
  return stuck_;
}

const std::vector<std::size_t>& SourceTable::collect_news(std::size_t source) {
  news_.clear();
  slots_[source].inlet->collect_news(news_);
  return news_;
}

void SourceTable::retry_for_memory(std::uint64_t releases) {
  if (releases == releases_) return;
  releases_ = releases;
  for (std::size_t i = 0; i < slots_.size(); ++i)
    if (slots_[i].is_full && slots_[i].inlet->waits_for_arena()) ready_.add(i);
}

}  // namespace standpipe::worker
