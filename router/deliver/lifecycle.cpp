// SPDX-License-Identifier: Apache-2.0
#include "deliver/lifecycle.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace standpipe::deliver {
namespace {

// The pause after that many deaths of a child in a row, from 1: as the keeper makes them between
// workers.
Nanoseconds pause_after_death(std::uint32_t deaths) {
  constexpr Nanoseconds kFirst = std::chrono::milliseconds(50), kMost = std::chrono::seconds(2);
  if (deaths <= 1) return {};
  auto pause = kFirst;
  for (std::uint32_t i = 2; i < deaths && pause < kMost; ++i) pause *= 2;
  return std::min(pause, kMost);
}

}  // namespace

Lifecycle::Lifecycle(const HandlerOptions& options, const HandlerNeeds& needs)
    : options_(options),
      reporter_(needs.reporter),
      memory_(needs.memory),
      persistent_(needs.memory, "held/" + options.name),
      held_(options.changed ? Held{} : *persistent_),
      is_changed_(options.changed) {
  tried_ = held_.is_held || options.departed;
  if (tried_) state_ = State::held;
}

CallKind Lifecycle::due(Nanoseconds now) const {
  if (state_ == State::closed) return CallKind::none;
  if (state_ == State::disconnecting) return CallKind::disconnect;
  if (close_by_) return CallKind::close;
  if (state_ == State::held) return gives_up_ ? CallKind::handle : CallKind::none;
  if (state_ == State::opening) return now < open_due_ ? CallKind::none : CallKind::open;
  return reopen_wanted_ ? CallKind::reopen : CallKind::handle;
}

std::optional<Nanoseconds> Lifecycle::wake_at(Nanoseconds now) const {
  if (state_ != State::opening || close_by_ || open_due_ <= now) return std::nullopt;
  return open_due_;
}

// ---- what happens

void Lifecycle::began(CallKind kind) {
  if (kind == CallKind::disconnect) become(State::opening);
  if (kind == CallKind::reopen) reopen_wanted_ = false;
}

void Lifecycle::came_back(CallKind kind, const plugin::Answer& answer, Nanoseconds now) {
  if (kind == CallKind::open) return opened(answer, now);
  if (kind == CallKind::reopen || kind == CallKind::tick || kind == CallKind::poll) {
    if (answer.code == STANDPIPE_FATAL) return hold_at_once(answer.reason);
    if (!answer.ok()) return disconnect(answer.reason, now);
    if (kind == CallKind::reopen) reporter_.info(options_.name + ": reopened");
    if (kind == CallKind::poll) {
      deaths_ = 0;
      connected();
    }
  }
  if (kind != CallKind::close && kind != CallKind::flush) return;
  if (!answer.ok()) reporter_.error("flush-failed", options_.name + ": " + answer.reason);
  if (kind == CallKind::close) state_ = State::closed;
}

void Lifecycle::opened(const plugin::Answer& answer, Nanoseconds now) {
  tried_ = true;
  if (answer.code == STANDPIPE_FATAL) return hold_at_once(answer.reason);
  if (!answer.ok()) return disconnect(answer.reason, now);
  become(State::running);
}

// A call that was in progress when a person held it may still come back.
void Lifecycle::become(State state) {
  if (paused_from_)
    paused_from_ = state;
  else
    state_ = state;
}

void Lifecycle::handled(bool settled_some, const plugin::Answer& answer, Nanoseconds now) {
  if (settled_some) {
    deaths_ = 0;
    connected();  // only now: an open that is followed by a disconnect at once is not a connection
  }
  if (answer.code == STANDPIPE_FATAL) return hold_at_once(answer.reason);
  if (answer.code == STANDPIPE_DISCONNECTED) disconnect(answer.reason, now);
}

void Lifecycle::connected() {
  if (open_tries_ == 0) return;
  if (disconnect_reported_)
    reporter_.info(options_.name + ": connected again after " +
                   counted(open_tries_, "try", "tries"));
  open_tries_ = 0;
}

void Lifecycle::disconnect(const std::string& reason, Nanoseconds now) {
  become(State::disconnecting);
  open_reason_ = reason;
  open_due_ = now + options_.pause(++open_tries_, now);
  std::uint64_t left_out = 0;
  if (open_tries_ > 1) return;
  disconnected_since_ = now;
  disconnect_reported_ = trouble_.allow(now, left_out);
  if (disconnect_reported_)
    reporter_.warning("disconnected", options_.name + ": disconnected: " + reason,
                      "its messages wait; it is tried again automatically");
}

void Lifecycle::retries(std::string reason, Nanoseconds due) {
  retry_reason_ = std::move(reason);
  retry_due_ = std::max(retry_due_, due);
}

void Lifecycle::died(const std::string& how, bool while_idle, bool settled_some, Nanoseconds now) {
  std::uint64_t left_out = 0;
  if (while_idle && trouble_.allow(now, left_out))
    reporter_.warning("death", options_.name + ": its plugin " + how +
                                   " while it had nothing to do; its process is started again");
  if (state_ == State::held || state_ == State::closed) return;
  state_ = State::disconnecting;
  if (settled_some) deaths_ = 0;
  open_reason_ = "its plugin " + how;
  open_due_ = now + pause_after_death(++deaths_);
}

void Lifecycle::stays() {
  if (!std::exchange(is_changed_, false)) return;
  persistent_.edit() = held_;
  memory_.commit();
}

void Lifecycle::hold(const std::string& reason) {
  keep_hold(reason);
  paused_from_.reset();
  reporter_.error(
      "held", options_.name + " is held: " + reason,
      "its messages wait; remove the cause, and then: standpipe handler retry " + options_.name);
}

void Lifecycle::keep_hold(const std::string& reason) {
  held_.is_held = 1;
  held_.length = static_cast<std::uint32_t>(reason.copy(held_.reason, sizeof held_.reason));
  if (!is_changed_) persistent_.edit() = held_;
  state_ = State::held;
  tried_ = true;  // nobody shall wait for it to open
}

void Lifecycle::pause(const std::string& reason) {
  const auto from = state_;
  keep_hold(reason);
  paused_from_ = from;
  reporter_.info(options_.name + " is held: " + reason);
}

void Lifecycle::release(bool is_made) {
  held_ = {};
  if (!is_changed_) persistent_.edit() = held_;
  const auto after = is_made ? State::disconnecting : State::opening;
  state_ = std::exchange(paused_from_, std::nullopt).value_or(after);
  if (state_ == after) open_due_ = Nanoseconds(0);
  retry_due_ = Nanoseconds(0);
  reporter_.info(options_.name + " goes on: it was released");
}

void Lifecycle::hold_at_once(const std::string& reason) {
  hold(reason);
  memory_.commit();
}

// ---- being asked

std::string Lifecycle::held_for() const {
  if (options_.departed) return "the configuration no longer has it";
  const auto length = std::min<std::size_t>(held_.length, sizeof held_.reason);
  return escaped({held_.reason, length});
}

std::optional<Absence> Lifecycle::absence() const {
  if (state_ == State::held && !gives_up_) {
    const auto reason = held_for();
    return Absence{.why = "is held" + (reason.empty() ? "" : " (" + reason + ")")};
  }
  if (state_ == State::held || open_tries_ == 0) return std::nullopt;
  return Absence{Absence::Kind::disconnected, disconnected_since_,
                 "is disconnected" + (open_reason_.empty() ? "" : " (" + open_reason_ + ")")};
}

HandlerState Lifecycle::state(Nanoseconds now) const {
  switch (state_) {
    case State::held:
      return {.name = "held", .reason = held_for()};
    case State::closed:
      return {.name = "closed"};
    case State::running:
      if (now < retry_due_) return {.name = "retrying", .reason = retry_reason_};
      return {};
    case State::disconnecting:
    case State::opening:
      break;
  }
  HandlerState state{.name = "opening", .reason = open_reason_};
  if (open_tries_ > 0) state.reason += " (tried " + counted(open_tries_, "time") + ")";
  return state;
}

}  // namespace standpipe::deliver
