// SPDX-License-Identifier: Apache-2.0
#include "deliver/batch_view.h"

#include <string_view>

namespace standpipe::deliver {
namespace {

constexpr std::string_view kFifo = "fifo";

}  // namespace

standpipe_batch BatchView::make(std::span<const BatchFrame> frames,
                                std::span<const BatchStretch> stretches, const std::byte* memory,
                                std::uint32_t attempt, std::string_view source,
                                std::string_view fifo) {
  rows_.resize(frames.size());
  for (std::size_t i = 0; i < stretches.size(); ++i) {
    const auto end = i + 1 < stretches.size() ? stretches[i + 1].first : frames.size();
    add(stretches[i], frames.first(end), memory);
  }
  standpipe_batch b{};
  b.size = sizeof b;
  b.count = static_cast<std::uint32_t>(frames.size());
  b.stride = sizeof(Row);
  b.attempt = attempt;
  b.messages = reinterpret_cast<const standpipe_message*>(rows_.data());
  b.source = {source.data(), source.size()};
  source_meta_ = {{kFifo.data(), kFifo.size()}, {fifo.data(), fifo.size()}};
  b.source_meta = &source_meta_;
  b.source_meta_count = fifo.empty() ? 0 : 1;
  return b;
}

// `frames`: up to the end of the stretch.
void BatchView::add(const BatchStretch& stretch, std::span<const BatchFrame> frames,
                    const std::byte* memory) {
  const auto* base = reinterpret_cast<const std::uint8_t*>(memory) + stretch.memory;
  auto sequence = stretch.sequence;
  for (std::size_t i = stretch.first; i < frames.size(); ++i)
    rows_[i] = {base + frames[i].offset, frames[i].size, sequence++, stretch.time_ns};
}

}  // namespace standpipe::deliver
