// SPDX-License-Identifier: Apache-2.0
#include "config/memory.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "log/arena.h"

namespace standpipe::config {
namespace {

constexpr std::uint64_t kGuaranteeMost = 64 * KiB;
// What a log adds to a large frame, generously: its length, entries of the index, whole pages.
constexpr std::uint64_t kFrameOverhead = 64 * KiB;

std::uint64_t rounded_down(std::uint64_t bytes) {
  return bytes / (bytes < MiB ? KiB : MiB) * (bytes < MiB ? KiB : MiB);
}
std::uint64_t rounded_up(std::uint64_t bytes, std::uint64_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

// Memory for the frame, and for the segment where its beginning waits meanwhile.
std::uint64_t needed_for(std::uint64_t message_size) {
  return message_size + kFrameOverhead + kSegmentBytes;
}

std::string memory_text(const HubOptions& hub, const Spot& given) {
  return "memory_max (" + size_text(hub.memory_max) + (given.line ? ")" : ", the default)");
}

}  // namespace

void fit_emitted(HubOptions& hub, Sources& sources) {
  const auto count = sources.options.size();
  const auto guaranteed =
      count == 0 ? 0 : count * log::Arena::guaranteed_bytes_for(hub.memory_max, count);
  const auto shared = hub.memory_max - std::min(guaranteed, hub.memory_max);
  if (shared <= needed_for(0)) return;
  for (std::size_t i = 0; i < count; ++i)
    for (auto* source : {&sources.options[i], &hub.sources[i]})
      if (source->origin == source::Origin::handler)
        source->message_size_max =
            std::min(source->message_size_max, rounded_down(shared - needed_for(0)));
}

void check_memory(Context& context, const HubOptions& hub, const Sources& sources,
                  const Spot& given) {
  const auto count = sources.options.size();
  if (count == 0) return;
  const auto guarantee = log::Arena::guaranteed_bytes_for(hub.memory_max, count);
  if (guarantee < kSegmentBytesLeast) {
    const auto least = size_text(rounded_up(2 * count * kSegmentBytesLeast, MiB));
    return context.error(given.line ? given : sources.names.spot(0), "memory-too-small",
                         memory_text(hub, given) + " is too small for " + counted(count, "source"),
                         "set memory_max to at least " + least);
  }
  const auto shared = hub.memory_max - count * guarantee;
  bool default_reported = false;
  for (std::size_t i = 0; i < count; ++i) {
    const auto& source = sources.options[i];
    const auto& log_given = sources.log_size_max[i];
    if (log_given.line && source.log_size_max > hub.memory_max)
      context.error(log_given, "out-of-range",
                    "this log would be larger than " + memory_text(hub, given),
                    "make it smaller, or memory_max larger");
    const auto needed = needed_for(source.message_size_max);
    const auto& message_given = sources.message_size_max[i];
    if (needed <= shared || (!message_given.line && std::exchange(default_reported, true)))
      continue;
    const auto least = size_text(rounded_up(needed + count * kGuaranteeMost, MiB));
    const auto most =
        shared > needed_for(0) ? size_text(rounded_down(shared - needed_for(0))) : "0B";
    const auto& spot = message_given.line ? message_given
                       : given.line       ? given
                                          : sources.names.spot(i);
    context.error(
        spot, "memory-too-small",
        "a message of " + size_text(source.message_size_max) +
            (message_given.line ? "" : " (max_message_size, the default)") +
            " would never fit into " + memory_text(hub, given),
        "set memory_max to at least " + least + ", or max_message_size to at most " + most);
  }
}

}  // namespace standpipe::config
