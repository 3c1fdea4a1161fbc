// SPDX-License-Identifier: Apache-2.0
#include "deliver/call_recovery.h"

#include <algorithm>
#include <vector>

#include "base/failure.h"
#include "base/text.h"

namespace standpipe::deliver {
namespace {

constexpr std::uint16_t kDeathsOfOne = 3;  // then a message is dead-lettered

std::string in_phase(Phase phase) { return "in " + std::string(phase_name(phase)); }

// "message 5 of in", "one of messages 5 to 9 of in": by their numbers, which may have gaps.
std::string messages_text(const Range& range, const std::string& source) {
  const auto first = thousands(range.begin.sequence.number),
             last = thousands(range.end.sequence.number - 1);
  return (range.count == 1 ? "message " + first : "one of messages " + first + " to " + last) +
         " of " + source;
}

}  // namespace

void CallRecovery::run() {
  p_.call.forget_loop();
  const auto kind = p_.call.kind();
  if (kind != CallKind::handle) end_streaks();
  if (kind == CallKind::handle)
    recover_handle();
  else if (kind != CallKind::none)
    recover_other();
  p_.call.end();
}

void CallRecovery::run_of_child() {
  const auto kind = p_.call.kind();
  if (kind == CallKind::handle)
    settle_handle();
  else if (kind != CallKind::none)
    recover_other();
  p_.call.end();
}

// ---- a call of handle

void CallRecovery::recover_handle() {
  auto& delivery = delivery_with(p_.call.delivery());
  delivery.recover(p_.call.messages().range);
  p_.batch.refill(delivery, p_.call.messages());
  p_.batch.give_ticket(p_.call.ticket());
  std::vector<Output*> outputs;
  for (const auto index : p_.call.outputs()) outputs.push_back(&p_.needs.outputs.output(index));
  p_.host.recover(std::move(outputs));
  settle_handle();
}

void CallRecovery::settle_handle() {
  p_.call.flight().point();
  if (p_.call.is_cut_off())
    settle_cut_off();
  else
    settle_answered();
}

Delivery& CallRecovery::delivery_with(std::uint32_t id) const {
  const auto at = std::ranges::find(p_.deliveries, id, [](const auto& d) { return d->id(); });
  if (at == p_.deliveries.end())
    throw state::Memory::Damaged("it names a delivery that does not exist");
  return **at;
}

void CallRecovery::settle_answered() {
  auto& flight = p_.call.flight();
  if (p_.makes_messages) return redeliver(p_.batch.range(0, p_.batch.count()), 0, Suspicion::none);
  const plugin::Answer answer{flight.code, p_.call.is_in_child()
                                               ? "its process ended before it could say"
                                               : "its worker died before it could say"};
  plugin::Handler::mend(flight.result, p_.batch.count(), answer.ok(), p_.options.may_take());
  if (const auto retry = p_.settlement.settle({p_.batch, flight, answer, now_}))
    p_.lifecycle.retries(retry->reason, retry->due);
}

// A plugin that reports which message it is at has settled those before it.
void CallRecovery::settle_cut_off() {
  auto& flight = p_.call.flight();
  const auto count = p_.batch.count();
  const bool told = flight.result.at != STANDPIPE_NOT_TOLD;
  const auto first = told ? std::min(flight.result.at, count) : 0;
  const auto last = told ? std::min(first + 1, count) : count;
  if (first > 0 && p_.makes_messages) {
    redeliver(p_.batch.range(0, first), 0, Suspicion::none);
  } else if (first > 0) {
    const plugin::Answer answer{STANDPIPE_OK, "its plugin died before it could say"};
    plugin::Handler::mend(flight.result, count, true, p_.options.may_take());
    p_.settlement.settle_before_death({p_.batch, flight, answer, now_});
  }
  if (last < count)
    p_.batch.delivery().redeliver({p_.batch.range(last, count), p_.batch.attempt()}, now_);
  if (first < last) suspect(first, last);  // last: the batch is that one message then
}

// Messages first .. last - 1 of the batch were in the call in which the worker died.
void CallRecovery::suspect(std::uint32_t first, std::uint32_t last) {
  auto& delivery = p_.batch.delivery();
  const auto was = p_.batch.whole();
  const bool same = last - first == p_.batch.count();
  const auto before = static_cast<std::uint16_t>(same ? was.deaths : 0);
  const auto range = p_.batch.range(first, last);
  const auto where = in_phase(Phase::handle) + ", at " + messages_text(range, delivery.source());
  const auto verdict = p_.blame.judge_messages(death_, delivery.id(), range.begin.sequence.number,
                                               was.suspect == Suspicion::alone);
  if (verdict == Verdict::innocent) {
    say(verdict, where, "");
    return redeliver(range, before, same ? was.suspect : Suspicion::none);
  }
  const auto how = death_.is_named() || death_.is_childs() ? Suspicion::named : Suspicion::alone;
  if (verdict == Verdict::suspect && death_.says_nothing()) {
    say(verdict, where, "");
    return redeliver(range, before, how);
  }
  say(verdict, where, range.count > 1 ? "they are tried again in halves" : "it is tried alone");
  if (last - first > 1) {
    const auto middle = first + (last - first) / 2;
    redeliver(p_.batch.range(first, middle), 0, how);
    return redeliver(p_.batch.range(middle, last), 0, how);
  }
  const auto deaths = static_cast<std::uint16_t>(before + (verdict == Verdict::guilty ? 1 : 0));
  p_.batch.refill(delivery, {range, was.attempt, deaths, how});
  if (deaths >= kDeathsOfOne) return dead_letter(deaths);
  redeliver(range, deaths, how);
}

void CallRecovery::redeliver(const Range& range, std::uint16_t deaths, Suspicion suspicion) {
  p_.batch.delivery().redeliver({range, p_.batch.attempt(), deaths, suspicion}, now_);
}

// The batch is one message, which was alone with the plugin each time.
void CallRecovery::dead_letter(std::uint16_t deaths) {
  auto& letters = p_.settlement.dead_letters();
  const bool not_the_messages = p_.blame.is_last_in_a_row();
  std::optional<Failure> failure;
  if (!not_the_messages)
    failure = letters.write_killer(p_.batch, death_.reason(), death_.text(), deaths);
  if (not_the_messages || failure) {
    // One death less, so that it is tried once more when a person has acted.
    redeliver(p_.batch.range(0, 1), static_cast<std::uint16_t>(kDeathsOfOne - 1),
              p_.batch.suspect());
    const auto in_a_row = std::to_string(Blame::kDeadLettersInARow);
    return p_.lifecycle.hold(
        failure ? "a message that its plugin dies of cannot be dead-lettered: " +
                      std::string(failure->what())
                : "its plugin died of " + in_a_row + " messages in a row (" + death_.text() + ")");
  }
  p_.blame.count_dead_letter();
  letters.settle_killer(p_.batch, death_.reason(), death_.text(), deaths);
}

// ---- a call of another kind, or none

void CallRecovery::recover_other() {
  if (!p_.call.is_cut_off()) return p_.blame.forgive(p_.call.kind());
  const auto phase = p_.call.phase_of_death();
  const auto found = p_.blame.judge_call(death_, phase);
  const bool redelivery = found.verdict != Verdict::innocent && !found.is_enough();
  say(found.verdict, in_phase(phase), redelivery ? "it is called again" : "");
  if (!found.is_enough()) return;
  p_.lifecycle.hold((death_.is_childs() ? "its plugin has ended its process "
                                        : "its plugin has ended the worker ") +
                    std::to_string(Blame::kDeathsInAPhase) + " times " + in_phase(phase) + " (" +
                    death_.text() + ")");
}

// A suspect's deaths without a known cause count only in a row: this worker died without it.
void CallRecovery::end_streaks() {
  if (!death_.says_nothing()) return;
  for (const auto& delivery : p_.deliveries) {
    auto& redelivery = delivery->redeliveries();
    if (!redelivery.empty() && redelivery.front().suspect == Suspicion::alone &&
        redelivery.front().deaths > 0)
      redelivery.edit(0).deaths = 0;
  }
}

// Reports who died, where, and of what; or, if that is not known, what was in progress.
void CallRecovery::say(Verdict verdict, const std::string& where, const std::string& what) {
  if (death_.text().empty()) return;  // nothing is to be blamed
  const auto then = what.empty() ? "" : "; " + what;
  const auto& name = p_.options.name;
  Diagnostic d{.severity = Severity::info, .code = "death", .message = {}};
  if (verdict == Verdict::innocent) {
    if (!death_.says_nothing()) return;  // another's doing
    d.message = name + (death_.is_childs() ? ": its process " : ": the worker ") + death_.text() +
                " while this handler was " + where + then;
  } else if (death_.says_nothing() && verdict == Verdict::suspect) {
    d.message = name + ": the worker " + death_.text() + " " + std::to_string(kDeathsInARow) +
                " times in a row while this handler was " + where +
                "; the next call is made with no other call in progress";
  } else {
    d.severity = Severity::warning;
    d.message = name + ": its plugin " + death_.text() + " " + where + then;
    if (death_.names(p_.blame.handler())) d.notes = death_.backtrace();
  }
  p_.needs.reporter.say(d);
}

}  // namespace standpipe::deliver
