// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/failure.h"
#include "base/text.h"
#include "deliver/handler_loop.h"

// What a handler's loop makes of its plugin's answers.
namespace standpipe::deliver {
namespace {

constexpr Nanoseconds kLetterPause = std::chrono::seconds(5);  // until a letter that could not be kept is tried again

}  // namespace

void HandlerLoop::settle_open(Nanoseconds now) {
  tried_ = true;
  if (answer_.code == STANDPIPE_FATAL) return hold_at_once(answer_.reason);
  if (!answer_.ok()) return drop_connection(now, answer_.reason);
  state_ = State::ready;
}

void HandlerLoop::settle_reopen(Nanoseconds now) {
  if (answer_.code == STANDPIPE_FATAL) return hold_at_once(answer_.reason);
  if (!answer_.ok()) return drop_connection(now, answer_.reason);
  around_.reporter().info(name() + ": reopened");
}

// What the messages before `at` came to, as one step.
void HandlerLoop::settle_outcomes(Nanoseconds now) {
  const auto at = flight_.result.at;
  reason_of_ = at;
  while (reason_of_ > 0 && outcome(reason_of_ - 1) != STANDPIPE_REJECT && outcome(reason_of_ - 1) != STANDPIPE_RETRY) --reason_of_;
  if (reason_of_ > 0 || flight_.result.output > outputs_.size()) write_letters(at, now);
  for (std::uint32_t first = 0; first < at;) {
    std::uint32_t last = first + 1;
    while (last < at && outcome(last) == outcome(first)) ++last;
    book(outcome(first), first, last, now);
    first = last;
  }
  if (at < batch_.count()) leave_unlooked(at, now);
  if (at == 0) return;
  if (kept_->aside_in_a_row > 0) kept_.edit().aside_in_a_row = 0;
  around_.memory().count_progress();
}

void HandlerLoop::settle_handle(Nanoseconds now) {
  around_.settled(batch_.delivery());
  if (flight_.result.at > 0) connected();  // only now: an open that is followed by a disconnect at once is no connection
  if (answer_.code == STANDPIPE_FATAL) return hold_at_once(answer_.reason);
  if (answer_.code == STANDPIPE_DISCONNECTED) return drop_connection(now, answer_.reason);
}

void HandlerLoop::connected() {
  if (open_tries_ == 0) return;
  if (disconnect_said_) around_.reporter().info(name() + ": connected again after " + counted(open_tries_, "try", "tries"));
  open_tries_ = 0;
}

void HandlerLoop::book(std::uint8_t outcome, std::uint32_t first, std::uint32_t last, Nanoseconds now) {
  auto& delivery = batch_.delivery();
  const auto range = batch_.range(first, last);
  switch (outcome) {
    case STANDPIPE_DELIVERED:
      delivery.edit_tally().delivered += range.count;
      delivery.finish(range);
      return;
    case STANDPIPE_FILTERED:
      delivery.edit_tally().filtered += range.count;
      delivery.finish(range);
      return;
    case STANDPIPE_REJECT:
      return give_up(first, last, Reason::rejected, now);
    case STANDPIPE_SEND:
      if (flight_.result.output > outputs_.size()) return book_retry(first, last, now);  // there is no such output: the plugin errs
      return send(flight_.result.output, delivery, range, batch_.wire_bytes(first, last));
    default:
      return book_retry(first, last, now);
  }
}

void HandlerLoop::book_retry(std::uint32_t first, std::uint32_t last, Nanoseconds now) {
  if (is_exhausted()) return give_up(first, last, Reason::retries_exhausted, now);
  const auto pause = backoff(batch_.attempt());
  batch_.delivery().give_again({batch_.range(first, last), batch_.attempt() + 1}, now + pause);
  retry_reason_ = reason_for(last);
  if (!retry_reminder_.is_due(now)) return;
  const auto most = options_.attempts_max ? " of " + std::to_string(options_.attempts_max) : "";
  around_.reporter().warning("retry", name() + ": " + counted(last - first, "message") + " of " + batch_.delivery().source() +
                                          " failed (attempt " + std::to_string(batch_.attempt()) + most + "), and " +
                                          (last - first == 1 ? "is" : "are") + " tried again in " + duration_text(pause) + ": " +
                                          retry_reason_);
}

bool HandlerLoop::is_exhausted() const { return options_.attempts_max != 0 && batch_.attempt() >= options_.attempts_max; }

// The plugin gave one reason for its batch, the last one: it is the last such message's own.
std::string HandlerLoop::reason_for(std::uint32_t last) const {
  return last == reason_of_ ? answer_.reason : "its plugin told no reason of its own for it";
}

// Letters are kept before anything is booked: one write for all of the batch.
void HandlerLoop::write_letters(std::uint32_t at, Nanoseconds now) {
  letters_failed_.reset();
  if (!options_.dead_letter || !around_.keeps_dead_letters()) return;
  std::vector<DeadLetter> letters;
  std::deque<std::string> details;
  for (std::uint32_t first = 0; first < at;) {
    std::uint32_t last = first + 1;
    while (last < at && outcome(last) == outcome(first)) ++last;
    if (const auto reason = given_up_for(outcome(first))) {
      const auto& detail = details.emplace_back(reason_for(last));
      for (auto i = first; i < last; ++i) letters.push_back(letter_of_message(i, *reason, detail, batch_.attempt()));
    }
    first = last;
  }
  if (letters.empty()) return;
  letters_failed_ = around_.put_aside(letters);
  if (letters_failed_ && letters_reminder_.is_due(now))
    around_.reporter().warning("dead-letter",
                               name() + ": " + letters_failed_->what() + "; " + counted(letters.size(), "message") + " of " +
                                   batch_.delivery().source() + (letters.size() == 1 ? " waits" : " wait") +
                                   " until it can be kept",
                               letters_failed_->help());
}

// Why messages of this outcome are given up; nothing: they are not.
std::optional<Reason> HandlerLoop::given_up_for(std::uint8_t outcome) const {
  if (outcome == STANDPIPE_REJECT) return Reason::rejected;
  const bool sent = outcome == STANDPIPE_SEND && flight_.result.output <= outputs_.size();
  if (outcome == STANDPIPE_DELIVERED || outcome == STANDPIPE_FILTERED || sent || !is_exhausted()) return std::nullopt;
  return Reason::retries_exhausted;
}

DeadLetter HandlerLoop::letter_of_message(std::uint32_t i, Reason reason, std::string_view detail, std::uint32_t attempts) {
  const auto& m = batch_.message(i);
  return {.source = batch_.delivery().source(),
          .handler = options_.name,
          .plugin = options_.plugin->name,
          .sequence = m.sequence,
          .accepted_ns = m.time,
          .put_aside_ns = this->now(),
          .reason = reason,
          .detail = detail,
          .attempts = attempts,
          .payload = {reinterpret_cast<const std::byte*>(m.data), m.size}};
}

void HandlerLoop::give_up(std::uint32_t first, std::uint32_t last, Reason reason, Nanoseconds now) {
  auto& delivery = batch_.delivery();
  const auto range = batch_.range(first, last);
  if (letters_failed_)  // never to nothing: it is asked for again, and rejected again, until there is room
    return delivery.give_again({range, batch_.attempt(), batch_.deaths(), batch_.suspect()}, now + kLetterPause);
  const bool kept = options_.dead_letter && around_.keeps_dead_letters();
  if (kept)
    delivery.edit_tally().dead_letter(reason, range.count);
  else
    delivery.edit_tally().drop(reason, range.count);
  delivery.finish(range);
  say_given_up(first, last, reason, kept, now);
}

void HandlerLoop::say_given_up(std::uint32_t first, std::uint32_t last, Reason reason, bool kept, Nanoseconds now) {
  std::uint64_t left_out = 0;
  if (!trouble_.allow(now, left_out)) return;
  const auto& m = batch_.message(last - 1);
  Diagnostic d{.severity = Severity::warning,
               .code = std::string(reason_name(reason)),
               .message = name() + ": " + counted(last - first, "message") + " of " + batch_.delivery().source() +
                          (kept ? " dead-lettered (" : " dropped (") + std::string(reason_name(reason)) + "): " + reason_for(last)};
  d.notes.push_back("message " + thousands(m.sequence) + ", " + counted(m.size, "byte") + ": " +
                    hex_excerpt({reinterpret_cast<const std::byte*>(m.data), m.size}));
  if (left_out) d.notes.push_back(counted(left_out, "message") + " like this left out here; the account has all");
  around_.reporter().say(d);
}

// Messages from `first` on come again, and no attempt is counted.
void HandlerLoop::leave_unlooked(std::uint32_t first, Nanoseconds now) {
  auto& delivery = batch_.delivery();
  const auto range = batch_.range(first, batch_.count());
  const bool looked_at_none = answer_.ok() && first == 0;  // and says all is well: not again at once, for ever
  if (looked_at_none) return delivery.give_again({range, batch_.attempt()}, now + backoff(1));
  if (batch_.attempt() == 1 && batch_.suspect() == Suspicion::none && delivery.next() == range.end)
    return delivery.take_back(range.begin, range.count);
  delivery.give_again({range, batch_.attempt(), batch_.deaths(), batch_.suspect()}, now);
}

void HandlerLoop::drop_connection(Nanoseconds now, const std::string& reason) {
  state_ = State::opening;
  open_reason_ = reason;
  ++open_tries_;
  open_due_ = now + backoff(open_tries_);
  wake_by(open_due_);
  std::uint64_t left_out = 0;
  if (open_tries_ == 1) {
    disconnect_said_ = connection_trouble_.allow(now, left_out);
    if (disconnect_said_)
      around_.reporter().warning("disconnected", name() + ": disconnected: " + reason,
                                 "its messages wait; it is tried again by itself");
  }
  disconnect_due_ = true;
}

// For the run, whichever worker it is. The caller commits.
void HandlerLoop::hold(const std::string& reason) {
  kept_.edit().held = 1;
  auto& why = held_reason_.edit();
  why.length = static_cast<std::uint32_t>(reason.copy(why.text, sizeof why.text));
  state_ = State::held;
  tried_ = true;  // nobody shall wait for it to open
  around_.reporter().error("held", name() + " is held: " + reason, "its messages wait; mend the cause and start the hub again");
}

void HandlerLoop::hold_at_once(const std::string& reason) {
  hold(reason);
  around_.memory().commit();
}

Nanoseconds HandlerLoop::backoff(std::uint32_t tries) const {
  auto pause = options_.backoff_initial;
  for (std::uint32_t i = 1; i < tries && pause < options_.backoff_max; ++i) pause *= 2;
  return std::min(pause, options_.backoff_max);
}

void HandlerLoop::wake_by(Nanoseconds when) {
  if (!wake_at_ || when < *wake_at_) wake_at_ = when;
}

}  // namespace standpipe::deliver
