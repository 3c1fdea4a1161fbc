// SPDX-License-Identifier: Apache-2.0
#include "worker/recovery.h"

#include <algorithm>

#include "base/text.h"

namespace standpipe::worker {
namespace {

void report_bug(const deliver::Death& death, Reporter& reporter) {
  reporter.say({.severity = Severity::error,
                .code = "bug",
                .message = "the worker " + death.text() +
                           " in its own code: this is a mistake in the program",
                .notes = death.backtrace(),
                .help = {"please report it with these lines"}});
}

}  // namespace

std::optional<deliver::Death> hang_of_last_worker(
    const state::Memory& memory, const state::Directory& directory,
    const std::vector<deliver::HandlerOptions>& handlers) {
  for (const auto& handler : handlers) {
    const auto slot = directory.find(state::Kind::handler, handler.name);
    if (!slot) continue;
    const auto& watch = memory.watches()[*slot];
    if (watch.call % 2 && watch.hung == watch.call)
      return deliver::Death::by_hang(*slot, duration_text(handler.timeout));
    if (watch.on_loop % 2 && watch.stuck == watch.on_loop)
      return deliver::Death::by_hang(*slot, "half of the service manager's watchdog time");
  }
  return std::nullopt;
}

deliver::Death death_of_last_worker(Foundation& foundation, const HandlerTable& handlers,
                                    const std::vector<deliver::HandlerOptions>& options) {
  const auto& memory = foundation.memory();
  if (auto hang = hang_of_last_worker(memory, foundation.directory(), options)) return *hang;
  const auto& all = handlers.all();
  const auto calls =
      std::count_if(all.begin(), all.end(), [](const auto& h) { return h->was_in_call(); });
  return deliver::Death::of(static_cast<int>(memory.shared().last_status), memory.culprit(),
                            static_cast<std::size_t>(calls), foundation.crash_note());
}

void recover(Foundation& foundation, SourceTable& sources, OutputTable& outputs,
             HandlerTable& handlers, const DeliveryTable& deliveries, const deliver::Death& death,
             Reporter& reporter) {
  for (auto& source : sources) source.inlet->recover();
  outputs.recover();
  // Whoever was at a step has ended it by now.
  if (foundation.memory().step() != state::Step::none)
    throw state::Memory::Damaged("it says a step of nobody");
  foundation.arena().forget_unclaimed();
  if (death.is_hubs_own()) report_bug(death, reporter);
  handlers.recover(death);
  for (std::size_t i = 0; i < sources.size(); ++i) sources.dirty().add(i);
  for (const auto& source : sources) source.inlet->check_invariants();
  for (const auto* delivery : deliveries.all()) delivery->check_invariants();
}

}  // namespace standpipe::worker
