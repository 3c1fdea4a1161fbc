// SPDX-License-Identifier: Apache-2.0
#include "deliver/batch_view.h"

#include <algorithm>
#include <string_view>

#include "log/meta_block.h"

namespace standpipe::deliver {
namespace {

constexpr std::string_view kFifo = "fifo";

}  // namespace

standpipe_batch BatchView::make(std::span<const BatchFrame> frames,
                                std::span<const BatchStretch> stretches, const std::byte* memory,
                                std::uint32_t attempt, std::string_view source,
                                std::string_view fifo, std::uint64_t ticket) {
  const bool is_described =
      std::ranges::any_of(stretches, [](const auto& s) { return s.meta_bytes > 0; });
  rows_.resize(is_described ? 0 : frames.size());
  described_.assign(is_described ? frames.size() : 0, {});
  pairs_.clear();
  for (std::size_t i = 0; i < stretches.size(); ++i) {
    const auto end = i + 1 < stretches.size() ? stretches[i + 1].first : frames.size();
    if (is_described) {
      add(described_, stretches[i], frames.first(end), memory);
      describe(stretches[i], end, memory);
    } else {
      add(rows_, stretches[i], frames.first(end), memory);
    }
  }
  const auto* pairs = pairs_.data();
  for (auto& row : described_) {
    row.meta = pairs;
    pairs += row.meta_count;
  }
  standpipe_batch b{};
  b.size = sizeof b;
  b.count = static_cast<std::uint32_t>(frames.size());
  b.stride = is_described ? sizeof(standpipe_message) : sizeof(Row);
  b.attempt = attempt;
  b.messages =
      is_described ? described_.data() : reinterpret_cast<const standpipe_message*>(rows_.data());
  b.ticket = ticket;
  b.source = {source.data(), source.size()};
  source_meta_ = {{kFifo.data(), kFifo.size()}, {fifo.data(), fifo.size()}};
  b.source_meta = &source_meta_;
  b.source_meta_count = fifo.empty() ? 0 : 1;
  return b;
}

// `frames`: up to the end of the stretch.
template <class AnyRow>
void BatchView::add(std::vector<AnyRow>& rows, const BatchStretch& stretch,
                    std::span<const BatchFrame> frames, const std::byte* memory) {
  const auto* base = reinterpret_cast<const std::uint8_t*>(memory) + stretch.memory;
  auto sequence = stretch.sequence;
  for (std::size_t i = stretch.first; i < frames.size(); ++i) {
    auto& row = rows[i];
    row.data = base + frames[i].offset;
    row.size = frames[i].size;
    row.sequence = sequence++;
    row.time = stretch.time_ns;
  }
}

// Messages up to `end`. Their pairs are found by their addresses when all are there.
void BatchView::describe(const BatchStretch& stretch, std::size_t end, const std::byte* memory) {
  if (stretch.meta_bytes == 0) return;
  const auto block = log::MetaBlock::read({memory + stretch.meta, stretch.meta_bytes});
  if (!block) return;
  auto frame = stretch.meta_first;
  for (std::size_t i = stretch.first; i < end && frame < block->count(); ++i, ++frame) {
    log::FieldReader fields(block->fields(frame));
    while (const auto field = fields.next()) {
      pairs_.push_back({{field->name.data(), field->name.size()},
                        {reinterpret_cast<const char*>(field->value.data()), field->value.size()}});
      ++described_[i].meta_count;
    }
  }
}

}  // namespace standpipe::deliver
