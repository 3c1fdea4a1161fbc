// SPDX-License-Identifier: Apache-2.0
#include "worker/queue_policy.h"

#include <algorithm>
#include <string>

#include "base/text.h"

namespace standpipe::worker {
namespace {

// What of a full log is given back at once: less often, and several segments.
constexpr std::uint64_t kGivenWay = 4;  // a quarter

}  // namespace

void QueuePolicy::enforce(std::size_t i) {
  auto& source = sources_[i];
  for (auto& backlog : source.inlet->backlogs()) {
    if (!backlog.options().drops()) continue;
    backlog.update();
    if (backlog.is_over()) drop(source, backlog, 0);
    report(source, backlog);
  }
}

std::optional<Nanoseconds> QueuePolicy::give_way(std::size_t i) {
  std::optional<Nanoseconds> again;
  const auto now = clock_.steady();
  auto& source = sources_[i];
  const auto& log = source.inlet->log();
  for (auto& backlog : source.inlet->backlogs()) {
    if (!backlog.options().drops()) continue;
    backlog.update();
    if (backlog.bytes() == 0 || backlog.delivery().settled() != log.trimmed()) continue;
    auto& handler = handler_of(source, backlog);
    if (handler.write_off_call(backlog.delivery(), now))
      report_written_off(source, handler);
    else if (const auto when = handler.may_write_off_at(backlog.delivery()))
      again = std::min(again.value_or(*when), *when);
    drop(source, backlog, backlog.bytes() / kGivenWay + 1);
    report(source, backlog);
  }
  return again;
}

deliver::HandlerLoop& QueuePolicy::handler_of(const SourceSlot& source,
                                              const deliver::Backlog& backlog) {
  return handlers_[source.inlet->matcher().handlers()[backlog.delivery().bit()]];
}

void QueuePolicy::report_written_off(const SourceSlot& source,
                                     const deliver::HandlerLoop& handler) {
  sources_.dirty().add(sources_.number_of(source.inlet->log()));
  std::uint64_t left_out = 0;
  if (!written_off_.allow(clock_.steady(), left_out)) return;
  reporter_.warning("queue_full",
                    source.inlet->name() + " -> " + handler.name() +
                        ": the log is full of what it has in a call that does not come back, so "
                        "those messages are dropped (queue_full), and the other handlers go on",
                    "a `timeout` would end such a call");
}

// `bytes`: at least; 0: what is over the limits. Commits.
void QueuePolicy::drop(SourceSlot& source, deliver::Backlog& backlog, std::uint64_t bytes) {
  const auto drop_some = [&] {
    return bytes > 0 ? backlog.drop_oldest(bytes) : backlog.drop_oldest();
  };
  auto dropped = drop_some();
  auto& handler = handler_of(source, backlog);
  const bool is_short = bytes > 0 ? dropped == 0 : backlog.is_over();
  if (is_short && !handler.in_call()) {
    bool is_recalled = false;
    for (auto* output : handler.outputs()) is_recalled |= output->recall();
    if (is_recalled) dropped += drop_some();
  }
  source.inlet->log().keeping().commit();
  if (dropped > 0) sources_.dirty().add(sources_.number_of(backlog.delivery().log()));
}

void QueuePolicy::report(const SourceSlot& source, const deliver::Backlog& backlog) {
  const auto& delivery = backlog.delivery();
  const auto dropped =
      delivery.tally().dropped[static_cast<std::size_t>(deliver::Reason::queue_full)];
  const auto told = told_.try_emplace(&delivery).first;
  std::uint64_t left_out = 0;
  if (dropped == told->second.dropped || !told->second.throttle.allow(clock_.steady(), left_out))
    return;
  const auto count = dropped - told->second.dropped;
  told->second.dropped = dropped;
  const auto& name = handlers_[source.inlet->matcher().handlers()[delivery.bit()]].name();
  reporter_.warning("queue_full",
                    source.inlet->name() + " -> " + name + ": " + counted(count, "message") +
                        (count == 1 ? " was" : " were") +
                        " dropped (queue_full): its queue holds all that it may",
                    "raise `queue: { max_size, max_messages }` of handler " + name +
                        ", or `log: { max_size }` of source " + source.inlet->name());
}

}  // namespace standpipe::worker
