// SPDX-License-Identifier: Apache-2.0
#include "deliver/polling.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/failure.h"

namespace standpipe::deliver {

Polling::Polling(const HandlerOptions& options, const MessageSink& sink)
    : options_(options), sink_(sink), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!wake_) throw Failure::system("make an eventfd for a source", errno);
}

bool Polling::has_news() const {
  return options_.plugin->hears_of_safety() && sink_.safe_until() > told_;
}

// A call that takes as long as `timeout` is a hang, so a poll takes half of that at most.
CallTerms Polling::terms(Nanoseconds now, const MakeCredit& credit) const {
  const auto longest =
      options_.timeout > Nanoseconds(0) ? std::min(kMost, options_.timeout / 2) : kMost;
  return {.deadline = waits() ? now + longest : now,
          .credit = credit,
          .safe_until = sink_.safe_until()};
}

void Polling::began(const CallTerms& terms) {
  told_ = std::max(told_, terms.safe_until);
  deadline_ = terms.deadline;
  has_credit_ = terms.credit.messages > 0;
  std::uint64_t count = 0;
  if (std::exchange(is_ended_, false)) (void)!::read(wake_.get(), &count, sizeof count);
}

void Polling::came_back(std::size_t made, Nanoseconds now) {
  if (!has_credit_) return;
  waits_a_round_ = made > 0 && made <= kFew && options_.plugin->hears_of_safety();
  const bool has_waited = is_ended_ || now + kPause >= deadline_;
  due_ = made > 0 || (waits() && has_waited) ? now : now + kPause;
}

void Polling::end() {
  const std::uint64_t one = 1;
  if (!is_ended_) is_ended_ = ::write(wake_.get(), &one, sizeof one) == sizeof one;
}

}  // namespace standpipe::deliver
