// SPDX-License-Identifier: Apache-2.0
#include "deliver/call_in_progress.h"

#include <utility>

namespace standpipe::deliver {
namespace {

constexpr Nanoseconds kCallIsLong = std::chrono::seconds(10);

}  // namespace

void CallInProgress::begin(const CallRequest& request, Nanoseconds now) {
  state_ = State::called;
  request_ = request;
  if (!request.resume.empty()) request_.resume = resume_ = request.resume;
  began_ = now;
  reminder_ = {};
}

void CallInProgress::begin_answered(const CallRequest& request, plugin::Answer answer,
                                    Nanoseconds now) {
  state_ = State::called;
  request_ = request;
  own_answer_ = std::move(answer);
  began_ = now;
}

bool CallInProgress::end_write_off() { return std::exchange(is_written_off_, false); }

bool CallInProgress::end_own_answer() {
  return std::exchange(own_answer_, std::nullopt).has_value();
}

std::optional<Nanoseconds> CallInProgress::may_write_off_at() const {
  if (!is_with_plugin() || kind() != CallKind::handle || own_answer_ || is_written_off_)
    return std::nullopt;
  return began_ + kWrittenOffAfter;
}

std::optional<std::chrono::seconds> CallInProgress::remind(Nanoseconds now) {
  if (!is_open() || now - began_ < kCallIsLong || !reminder_.is_due(now)) return std::nullopt;
  return std::chrono::duration_cast<std::chrono::seconds>(now - began_);
}

}  // namespace standpipe::deliver
