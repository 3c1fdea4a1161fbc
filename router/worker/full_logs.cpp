// SPDX-License-Identifier: Apache-2.0
#include "worker/full_logs.h"

#include <chrono>

#include "worker/event_key.h"

namespace standpipe::worker {
namespace {

using namespace std::chrono_literals;

// How often, while memory is short, whoever holds it for nothing is looked for.
constexpr Nanoseconds kDribbleInterval = 1s;

}  // namespace

void FullLogs::after_turn(std::size_t i) {
  queues_.enforce(i);
  const auto& source = sources_[i];
  if (!source.is_full) return;
  sample_readers(i);
  overflows_.make_room(i);
  give_way(i);
  if (source.inlet->waits_for_arena())
    loop_.set_timer_if_none(key(kDribble), loop_.now() + kDribbleInterval);
}

void FullLogs::after_trim(std::size_t i) {
  overflows_.press(i);
  give_way(i);
}

// Readers may have taken what lies in their pipes without any event.
void FullLogs::sample_readers(std::size_t i) {
  for (const auto h : sources_[i].handlers) {
    if (handlers_[h].in_call()) continue;
    for (auto* output : handlers_[h].outputs()) outputs_.hurry(*output);
  }
  handlers_.unblock();
}

void FullLogs::give_way(std::size_t i) {
  if (const auto again = queues_.give_way(i)) loop_.set_timer_if_none(key(kInlet, i), *again);
  disk_queues_.give_way(i);
}

void FullLogs::end_dribbles() {
  bool waits = false;
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    const auto& source = sources_[i];
    if (source.inlet->end_dribble()) sources_.ready().add(i);
    if (!source.is_full || !source.inlet->waits_for_arena()) continue;
    source.inlet->remind_of_memory();
    overflows_.make_room(i);
    waits = true;
  }
  if (waits) loop_.set_timer(key(kDribble), loop_.now() + kDribbleInterval);
}

}  // namespace standpipe::worker
