// SPDX-License-Identifier: Apache-2.0
#include "deliver/overflow_file.h"

#include <utility>

#include "base/limits.h"
#include "deliver/spill.h"

namespace standpipe::deliver {
namespace {

constexpr std::uint64_t kWriteBackBytes = 8 * MiB;

}  // namespace

OverflowFile::OverflowFile(const std::string& data_dir, std::string_view source, const End& end)
    : handed_over_(end),
      messages_(end.messages),
      log_(log::DiskLog::resume(SpillReader::path_of(data_dir, source, end.number), end.bytes)),
      lists_(end.lists) {
  if (end.bytes > 0) return;
  ByteWriter meta;
  meta.number(static_cast<std::uint8_t>(SpillRecord::overflow));
  if (auto failure = log_.append(meta.bytes(), {})) throw std::move(*failure);
  if (auto failure = log_.write()) throw std::move(*failure);
  handed_over_ = this->end();
}

OverflowFile::End OverflowFile::end() const {
  return {handed_over_.number, log_.bytes(), messages_, lists_.next(), 0};
}

std::optional<Failure> OverflowFile::add(std::uint64_t sequence, std::uint64_t accepted_ns,
                                         std::span<const std::string_view> handlers,
                                         std::span<const std::byte> frame,
                                         std::span<const std::byte> fields) {
  ++messages_;
  return undone(append_message(log_, lists_, sequence, accepted_ns, handlers, {&frame, 1}, fields));
}

std::optional<Failure> OverflowFile::hand_over() {
  auto failure = undone(log_.write());
  if (failure) return failure;
  const auto before = std::exchange(handed_over_, end());
  if (before.bytes / kWriteBackBytes != handed_over_.bytes / kWriteBackBytes)
    log_.begin_write_back();
  return std::nullopt;
}

std::optional<Failure> OverflowFile::sync() { return undone(log_.sync()); }

std::optional<Failure> OverflowFile::finish() {
  auto failure = append_end(log_, lists_, messages_);
  return undone(failure ? std::move(failure) : log_.sync());
}

std::optional<Failure> OverflowFile::undone(std::optional<Failure> failure) {
  if (failure) {
    messages_ = handed_over_.messages;
    lists_.forget();
  }
  return failure;
}

}  // namespace standpipe::deliver
