// SPDX-License-Identifier: Apache-2.0
#include "worker/overflow_policy.h"

#include <algorithm>
#include <set>
#include <string>

#include "base/failure.h"
#include "base/text.h"
#include "worker/event_key.h"

namespace standpipe::worker {
namespace {

std::string help_for(const deliver::HandlerLoop& handler, deliver::Absence::Kind kind) {
  switch (kind) {
    case deliver::Absence::Kind::held:
      return "remove the cause, and then: standpipe handler retry " + handler.name() +
             "; it gets that first";
    case deliver::Absence::Kind::disconnected:
      return "it is tried again automatically, and gets that first";
    case deliver::Absence::Kind::no_reader:
      return "its next reader gets that first";
    case deliver::Absence::Kind::no_letters:
      return "make room for dead letters: they are tried again automatically; it gets that first";
  }
  return {};
}

}  // namespace

void OverflowPolicy::make_room(std::size_t i) {
  if (!sources_[i].is_full) return;
  press(i);
  if (!sources_[i].inlet->waits_for_arena()) return;
  for (std::size_t other = 0; other < sources_.size(); ++other)
    if (other != i) press(other);
}

// Their number may grow meanwhile.
void OverflowPolicy::make_room_beside(const deliver::HandlerLoop& held) {
  std::set<std::size_t> sources;
  for (const auto& delivery : held.deliveries())
    sources.insert(sources_.number_of(delivery->log()));
  for (const auto i : sources) make_room(i);
}

void OverflowPolicy::press(std::size_t i) {
  auto& source = sources_[i];
  if (max_ == 0 || shutdown_.is_closing() || source.handlers.size() < 2) return;
  if (source.is_full) loop_.set_timer_if_none(key(kOverflow, i), loop_.now() + kAwayAfter);
  if (!any_away(source)) return;
  std::optional<Nanoseconds> next;
  const auto readers = readers_of(source, next);
  if (next) loop_.set_timer(key(kOverflow, i), next);
  std::optional<log::Cursor> until;
  for (const auto& reader : readers) {
    reader.delivery->skip_unwanted();
    if (!reader.away)
      until = std::min(until.value_or(source.inlet->log().end()), reader.delivery->settled());
  }
  source.inlet->log().keeping().commit();
  if (!until) return;
  for (const auto& reader : readers)
    if (reader.away && reader.delivery->settled() < *until) press(i, reader);
}

// A log that is full of what is read slowly is seen often.
bool OverflowPolicy::any_away(const SourceSlot& source) const {
  return std::any_of(source.handlers.begin(), source.handlers.end(),
                     [this](auto h) { return handlers_[h].absence().has_value(); });
}

// `next`: when one of them will have been away for long enough.
std::vector<OverflowPolicy::Reader> OverflowPolicy::readers_of(
    const SourceSlot& source, std::optional<Nanoseconds>& next) const {
  std::vector<Reader> readers;
  for (std::size_t bit = 0; bit < source.handlers.size(); ++bit) {
    Reader reader{source.handlers[bit], source.inlet->deliveries()[bit], std::nullopt};
    const auto& handler = handlers_[reader.handler];
    const bool is_overflowing =
        reader.delivery->is_queued() && queues_.from(*reader.delivery)->is_overflow();
    if (may_overflow(reader)) reader.away = handler.absence();
    const bool is_held = reader.away && reader.away->kind == deliver::Absence::Kind::held;
    if (reader.away && !is_held && !is_overflowing) {
      const auto then = reader.away->since + kAwayAfter;
      if (loop_.now() < then) {
        next = std::min(next.value_or(then), then);
        reader.away.reset();
      }
    }
    readers.push_back(std::move(reader));
  }
  return readers;
}

bool OverflowPolicy::may_overflow(const Reader& reader) const {
  return handlers_[reader.handler].options().queue.type == deliver::QueueOptions::Type::none;
}

void OverflowPolicy::press(std::size_t i, const Reader& reader) try {
  auto* queue = queues_.from(*reader.delivery);
  if (!queue) {
    if (!data_.works()) throw Failure("there is no folder for it", "set `data_dir:`");
    queue = &queues_.add_overflow(data_.path(), i, reader.handler, *reader.delivery);
  }
  queue->press(reader.away->why, help_for(handlers_[reader.handler], reader.away->kind));
  queues_.want(i);
} catch (const Failure& failure) {
  report_none(i, reader, failure);
}

void OverflowPolicy::report_none(std::size_t i, const Reader& reader, const Failure& failure) {
  if (!refused_[reader.delivery].is_due(loop_.now())) return;
  reporter_.warning("overflow",
                    sources_[i].inlet->name() + ": the log is full of what waits for " +
                        handlers_[reader.handler].name() + ", which " + reader.away->why +
                        ", and that cannot go to the disk, so its writers wait: " + failure.what(),
                    failure.help());
}

}  // namespace standpipe::worker
