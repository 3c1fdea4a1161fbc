// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "base/limits.h"
#include "deliver/delivery.h"
#include "log/arena.h"
#include "log/log.h"
#include "state/memory.h"

namespace test {

using namespace standpipe;

// A memory with one source's log and its delivery to one handler.
class OneDelivery {
 public:
  OneDelivery() = default;

  // Each message is a run of its own; `wanted` says for how many of the following ones it is.
  void append(const std::string& payload, std::uint64_t set = 1) {
    std::string frame(4, '\0');
    frame[0] = static_cast<char>(payload.size());
    frame[1] = static_cast<char>(payload.size() >> 8);
    frame[2] = static_cast<char>(payload.size() >> 16);
    frame += payload;
    const auto room = log.room(frame.size());
    std::memcpy(room.data(), frame.data(), frame.size());
    log.filled(frame.size());
    if (!log.add_run(frame.size(), 1, ++time, 1, {&set, 1})) return;
    if (set & 1) ++delivery.edit_tally().matched;
    memory.commit();
  }
  const deliver::Tally& tally() const { return delivery.tally(); }

  state::Memory memory{state::MemoryPlan{.memory_max = 4 * MiB}};
  log::Arena arena{memory};
  log::Log log{arena, {.id = 0, .size_max = 2 * MiB, .readers = 2}};
  deliver::Delivery delivery{"in", "it", 0, log, 0};
  std::uint64_t time = 0;
};

}  // namespace test
