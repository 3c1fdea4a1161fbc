// SPDX-License-Identifier: Apache-2.0
#include "deliver/outcomes.h"

namespace standpipe::deliver {

Outcomes::Outcomes(Batch& of, const Flight& flight, const plugin::Answer& answer, Nanoseconds at)
    : batch(of),
      now(at),
      result_(flight.result),
      outcomes_(flight.outcomes),
      answer_(answer),
      reason_of_(result_.at) {
  const auto has_reason = [this](std::uint32_t i) {
    return outcomes_[i] == STANDPIPE_REJECT || outcomes_[i] == STANDPIPE_RETRY;
  };
  while (reason_of_ > 0 && !has_reason(reason_of_ - 1)) --reason_of_;
}

std::uint32_t Outcomes::end_of_run(std::uint32_t first) const {
  auto last = first + 1;
  while (last < at() && of(last) == of(first)) ++last;
  return last;
}

std::string Outcomes::reason_for(std::uint32_t last) const {
  return last == reason_of_ ? answer_.reason : "its plugin gave no reason for this message";
}

}  // namespace standpipe::deliver
