// SPDX-License-Identifier: Apache-2.0
#include "config/memory.h"

#include <utility>

#include "base/text.h"
#include "log/arena.h"

namespace standpipe::config {
namespace {

constexpr std::uint64_t kGuaranteeMost = 64 * KiB;
// What a log adds to a large frame, generously: its length, entries of the index, whole pages.
constexpr std::uint64_t kFrameOverhead = 64 * KiB;

std::uint64_t rounded_down(std::uint64_t bytes) { return bytes / (bytes < MiB ? KiB : MiB) * (bytes < MiB ? KiB : MiB); }
std::uint64_t rounded_up(std::uint64_t bytes, std::uint64_t unit) { return (bytes + unit - 1) / unit * unit; }

// Memory for the frame, and for the segment where its beginning waits meanwhile.
std::uint64_t needed_for(std::uint64_t message_size) { return message_size + kFrameOverhead + kSegmentBytes; }

std::string memory_text(const Hub& hub, const Spot& said) {
  return "memory_max (" + size_text(hub.memory_max) + (said.line ? ")" : ", the default)");
}

}  // namespace

void check_memory(Context& context, const Hub& hub, const Sources& sources, const Spot& said) {
  const auto count = sources.options.size();
  if (count == 0) return;
  const auto guarantee = log::Arena::guaranteed_bytes_for(hub.memory_max, count);
  if (guarantee < kSegmentBytesLeast) {
    const auto least = size_text(rounded_up(2 * count * kSegmentBytesLeast, MiB));
    return context.error(said.line ? said : sources.names.spot(0), "memory-too-small",
                         memory_text(hub, said) + " is too small for " + counted(count, "source"),
                         "set memory_max to at least " + least);
  }
  const auto shared = hub.memory_max - count * guarantee;
  bool told_default = false;
  for (std::size_t i = 0; i < count; ++i) {
    const auto& source = sources.options[i];
    const auto& log_said = sources.log_size_max[i];
    if (log_said.line && source.log_size_max > hub.memory_max)
      context.error(log_said, "out-of-range", "this log would be larger than " + memory_text(hub, said),
                    "make it smaller, or memory_max larger");
    const auto needed = needed_for(source.message_size_max);
    const auto& message_said = sources.message_size_max[i];
    if (needed <= shared || (!message_said.line && std::exchange(told_default, true))) continue;
    const auto least = size_text(rounded_up(needed + count * kGuaranteeMost, MiB));
    const auto most = shared > needed_for(0) ? size_text(rounded_down(shared - needed_for(0))) : "0B";
    const auto& spot = message_said.line ? message_said : said.line ? said : sources.names.spot(i);
    context.error(spot, "memory-too-small",
                  "a message of " + size_text(source.message_size_max) +
                      (message_said.line ? "" : " (max_message_size, the default)") + " would never fit into " +
                      memory_text(hub, said),
                  "set memory_max to at least " + least + ", or max_message_size to at most " + most);
  }
}

}  // namespace standpipe::config
