// SPDX-License-Identifier: Apache-2.0
#include "worker/intake_reports.h"

#include "base/text.h"

namespace standpipe::worker {

void IntakeReports::unmatched(std::uint64_t messages) {
  std::uint64_t left_out = 0;
  if (!warns_of_unmatched_ || !unmatched_.allow(clock_.steady(), left_out)) return;
  reporter_.warning("no_route",
                    source_ + ": " + counted(messages, "message") + " matched no route and " +
                        (messages == 1 ? "was" : "were") + " dropped (no_route)",
                    "add a route, name a handler as `unmatched:`, or say `unmatched: drop`");
}

void IntakeReports::left_patterns(std::uint64_t messages, const match::PatternCost& cost) {
  std::uint64_t left_out = 0;
  if (!patterns_.allow(clock_.steady(), left_out)) return;
  reporter_.warning(
      "slow-pattern",
      source_ + ": " + counted(messages, "message") + " longer than " +
          thousands(cost.bytes_max()) + " bytes " + (messages == 1 ? "was" : "were") +
          " not tried on patterns that may be slow, so conditions by them do not match",
      "`standpipe check` names the pattern; repeat less in it, or put a condition before it");
}

}  // namespace standpipe::worker
