// SPDX-License-Identifier: Apache-2.0
#include "worker/spill_copy.h"

#include <utility>

#include "base/failure.h"

namespace standpipe::worker {
namespace {

void check(std::optional<Failure> failure) {
  if (failure) throw std::move(*failure);
}

}  // namespace

std::uint64_t SpillCopy::write(std::span<const deliver::Delivery* const> deliveries,
                               std::optional<log::Position> cut, SpillQueue& unfed) {
  std::optional<std::uint64_t> copied;
  std::vector<std::string_view> names;
  deliver::Remaining rest(deliveries);
  while (const auto message = rest.next()) {
    if (!copied && cut && message->at.position >= *cut) copied = add_unfed(unfed);
    names.clear();
    for (const auto i : message->wanted_by) names.push_back(handlers_[deliveries[i]->bit()]);
    add({.sequence = message->at.sequence.number,
         .accepted_ns = message->accepted_ns,
         .frame = message->frame,
         .fields = message->fields},
        names);
  }
  return copied ? *copied : add_unfed(unfed);
}

std::uint64_t SpillCopy::add_unfed(SpillQueue& unfed) {
  std::uint64_t copied = 0;
  std::vector<std::string_view> names;
  unfed.each_unfed([&](const SpillQueue::Message& message) {
    names.assign(message.handlers.begin(), message.handlers.end());
    add(message, names);
    ++copied;
  });
  return copied;
}

void SpillCopy::add(const deliver::SavedMessage& message,
                    std::span<const std::string_view> handlers) {
  if (!writer_) writer_.emplace(data_dir_, source_);
  check(writer_->add(message.sequence, message.accepted_ns, handlers, {&message.frame, 1},
                     message.fields));
}

void SpillCopy::finish() { check(writer_->finish()); }

}  // namespace standpipe::worker
