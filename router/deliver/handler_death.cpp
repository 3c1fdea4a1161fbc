// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>
#include <string_view>

#include "base/failure.h"
#include "base/in_order.h"
#include "base/text.h"
#include "deliver/handler_loop.h"

// What a handler's loop makes of the call in which an earlier worker died.
namespace standpipe::deliver {
namespace {

constexpr std::uint16_t kDeathsOfOne = 3;     // then a message is put aside
constexpr std::uint32_t kAsideInARow = 5;     // then it is not the messages
constexpr std::uint16_t kDeathsInAPhase = 3;  // other than handle: then the handler is held

constexpr std::string_view kPhaseNames[] = {"no call", "create", "open", "handle", "flush", "close", "reopen"};

std::string in_phase(std::uint16_t phase) { return "in " + std::string(kPhaseNames[phase]); }

// "message 5 of in", "one of messages 5 to 9 of in": by their numbers, which may have gaps.
std::string messages_text(const Range& range, const std::string& source) {
  const auto first = thousands(range.begin.sequence.number), last = thousands(range.end.sequence.number - 1);
  return (range.count == 1 ? "message " + first : "one of messages " + first + " to " + last) + " of " + source;
}

}  // namespace

void HandlerLoop::take_up(const Death& death, Nanoseconds now) {
  const auto call = kept_->call;
  auto& watch = around_.memory().watches()[id_];
  if (watch.on_loop % 2) store_in_order(watch.on_loop, std::uint64_t{watch.on_loop + 1});
  if (call != Call::handle) begin_streaks_anew(death);
  if (call == Call::handle)
    take_up_handle(death, now);
  else if (call != Call::none)
    take_up_other(death);
  if (call != Call::none) kept_.edit().call = Call::none;
  around_.memory().commit();
}

void HandlerLoop::take_up_handle(const Death& death, Nanoseconds now) {
  auto& watch = around_.memory().watches()[id_];
  auto& delivery = around_.delivery_with(kept_->delivery);
  delivery.take_up(kept_->messages.range);
  batch_.take_same(delivery, kept_->messages);
  outputs_.clear();
  for (std::uint32_t i = 0; i < std::min<std::uint32_t>(kept_->outputs, kOutputsMax); ++i)
    outputs_.push_back(&around_.output(kept_->output[i]));
  flight_.result.outcomes = flight_.outcomes;
  if (flight_.returned) {
    answer_ = {flight_.code, "its worker died before it could say"};
    plugin::Handler::mend(flight_.result, batch_.count(), answer_.ok());
    settle_outcomes(now);
  } else {
    settle_dead(death, now);
  }
  if (watch.call % 2) store_in_order(watch.call, std::uint64_t{watch.call + 1});
}

// What a call other than handle was at. A worker gone wild may have written anything there.
HandlerLoop::Phase HandlerLoop::phase_of_death() const {
  if (flight_.phase != Phase::none && static_cast<std::size_t>(flight_.phase) < kPhases) return flight_.phase;
  return kept_->call == Call::create ? Phase::create : kept_->call == Call::open ? Phase::open : Phase::close;
}

void HandlerLoop::take_up_other(const Death& death) {
  if (flight_.returned) return forgive(kept_->call);
  const auto phase = static_cast<std::uint16_t>(phase_of_death());
  auto& record = kept_.edit();
  const auto verdict = judge(death, id_, {phase, 0, 0}, record.alone_in == phase, record.streak);
  if (verdict == Verdict::innocent) return say_death(death, verdict, in_phase(phase), "");
  around_.memory().count_progress();
  record.alone_in = death.is_named() ? std::uint16_t{0} : phase;
  if (verdict == Verdict::guilty) ++record.deaths_in[phase];
  const auto deaths = record.deaths_in[phase];
  say_death(death, verdict, in_phase(phase), deaths < kDeathsInAPhase ? "it is called again" : "");
  if (deaths < kDeathsInAPhase) return;
  record.deaths_in[phase] = 0;
  hold("its plugin has ended the worker " + std::to_string(kDeathsInAPhase) + " times " + in_phase(phase) + " (" + death.text() +
       ")");
}

// A suspect's deaths that say nothing count only one after the other: this worker died without it.
void HandlerLoop::begin_streaks_anew(const Death& death) {
  if (!death.says_nothing()) return;
  for (auto& delivery : deliveries_) {
    auto& again = delivery->again();
    if (!again.empty() && again.front().suspect == Suspicion::alone && again.front().deaths > 0) again.edit(0).deaths = 0;
  }
}

// A call of that kind has come back: what was held against it is forgotten.
void HandlerLoop::forgive(Call returned) {
  const auto forget = [this](Phase which) {
    const auto phase = static_cast<std::uint16_t>(which);
    if (kept_->deaths_in[phase] > 0) kept_.edit().deaths_in[phase] = 0;
    if (kept_->alone_in == phase) kept_.edit().alone_in = 0;
    if (kept_->streak.deaths > 0 && kept_->streak.call.phase == phase) kept_.edit().streak = {};
  };
  if (returned == Call::create) forget(Phase::create);
  if (returned == Call::open) forget(Phase::open);
  if (returned == Call::handle) forget(Phase::handle);
  if (returned == Call::reopen) forget(Phase::reopen);
  if (returned == Call::close) forget(Phase::flush);
  if (returned == Call::close || returned == Call::disconnect) forget(Phase::close);
}

bool HandlerLoop::is_to_be_alone(Call what) const {
  const auto is = [this](Phase phase) { return kept_->alone_in == static_cast<std::uint16_t>(phase); };
  if (what == Call::open) return is(Phase::open);
  if (what == Call::reopen) return is(Phase::reopen);
  return is(Phase::close) || (what == Call::close && is(Phase::flush));
}

// Who died, where, of what; or, if that is not known, what was in progress.
void HandlerLoop::say_death(const Death& death, Verdict verdict, const std::string& where, const std::string& what) {
  if (death.text().empty()) return;  // nothing is to be blamed
  const auto then = what.empty() ? "" : "; " + what;
  Diagnostic d{.severity = Severity::info, .code = "death", .message = {}};
  if (verdict == Verdict::innocent) {
    if (!death.says_nothing()) return;  // another's doing
    d.message = name() + ": the worker " + death.text() + " while this handler was " + where + then;
  } else if (death.says_nothing() && verdict == Verdict::suspect) {
    d.message = name() + ": the worker " + death.text() + " " + std::to_string(kDeathsInARow) +
                " times in a row while this handler was " + where + "; nothing else is called beside it the next time";
  } else {
    d.severity = Severity::warning;
    d.message = name() + ": its plugin " + death.text() + " " + where + then;
    if (death.names(id_)) d.notes = death.backtrace();
  }
  around_.reporter().say(d);
}

// A plugin that tells which message it is at has settled those before it.
void HandlerLoop::settle_dead(const Death& death, Nanoseconds now) {
  auto& result = flight_.result;
  const auto count = batch_.count();
  const bool told = result.at != STANDPIPE_NOT_TOLD;
  const auto first = told ? std::min(result.at, count) : 0;
  const auto last = told ? std::min(first + 1, count) : count;
  if (first > 0) {
    plugin::Handler::mend(result, count, true);
    write_letters(first, now);
    for (std::uint32_t i = 0; i < first; ++i) book(outcome(i), i, i + 1, now);
    kept_.edit().aside_in_a_row = 0;
    around_.memory().count_progress();
  }
  if (last < count) batch_.delivery().give_again({batch_.range(last, count), batch_.attempt()}, now);
  if (first < last) suspect(first, last, death, now);  // last: the batch is that one message then
}

// Messages first .. last - 1 of the batch were in the call in which the worker died.
void HandlerLoop::suspect(std::uint32_t first, std::uint32_t last, const Death& death, Nanoseconds now) {
  auto& delivery = batch_.delivery();
  const auto was = batch_.whole();
  const bool same = last - first == batch_.count();
  const auto before = static_cast<std::uint16_t>(same ? was.deaths : 0);
  const auto range = batch_.range(first, last);
  const auto where = in_phase(static_cast<std::uint16_t>(Phase::handle)) + ", at " + messages_text(range, delivery.source());
  const CallKey call{static_cast<std::uint32_t>(Phase::handle), delivery.id(), range.begin.sequence.number};
  const auto verdict = judge(death, id_, call, was.suspect == Suspicion::alone, kept_.edit().streak);
  if (verdict == Verdict::innocent) {
    say_death(death, verdict, where, "");
    return delivery.give_again({range, was.attempt, before, same ? was.suspect : Suspicion::none}, now);
  }
  around_.memory().count_progress();  // less is suspect than before
  const auto how = death.is_named() ? Suspicion::named : Suspicion::alone;
  if (verdict == Verdict::suspect && death.says_nothing()) {
    say_death(death, verdict, where, "");
    return delivery.give_again({range, was.attempt, before, how}, now);
  }
  say_death(death, verdict, where, range.count > 1 ? "they are tried in halves" : "it is tried alone");
  if (last - first > 1) {
    const auto middle = first + (last - first) / 2;
    delivery.give_again({batch_.range(first, middle), was.attempt, 0, how}, now);
    delivery.give_again({batch_.range(middle, last), was.attempt, 0, how}, now);
    return;
  }
  const auto deaths = static_cast<std::uint16_t>(before + (verdict == Verdict::guilty ? 1 : 0));
  const Again one{range, was.attempt, deaths, how};
  batch_.take_same(delivery, one);
  if (deaths >= kDeathsOfOne) return put_aside(death, deaths, now);
  delivery.give_again(one, now);
}

// The batch is one message, which was alone with the plugin each time.
void HandlerLoop::put_aside(const Death& death, std::uint16_t deaths, Nanoseconds now) {
  auto& delivery = batch_.delivery();
  const auto& m = batch_.message(0);
  const bool not_the_messages = kept_->aside_in_a_row + 1 >= kAsideInARow;
  std::optional<Failure> failure;
  if (!not_the_messages) {
    const auto letter = letter_of_message(0, death.reason(), death.text(), deaths);
    failure = around_.put_aside({&letter, 1});
  }
  if (not_the_messages || failure) {
    // One death fewer, so that it is tried once more when a person has acted.
    delivery.give_again({batch_.range(0, 1), batch_.attempt(), static_cast<std::uint16_t>(kDeathsOfOne - 1), batch_.suspect()},
                        now);
    return hold(failure ? "a message that its plugin dies of cannot be put aside: " + std::string(failure->what())
                        : "its plugin died of " + std::to_string(kAsideInARow) + " messages in a row (" + death.text() + ")");
  }
  ++kept_.edit().aside_in_a_row;
  delivery.edit_tally().dead_letter(death.reason(), 1);
  delivery.finish(batch_.range(0, 1));
  Diagnostic d{.severity = Severity::warning,
               .code = std::string(reason_name(death.reason())),
               .message = name() + ": message " + thousands(m.sequence) + " of " + delivery.source() +
                          " is put aside: its plugin " + death.text() + " on it " + std::to_string(deaths) + " times"};
  d.notes.push_back(counted(m.size, "byte") + ": " + hex_excerpt({reinterpret_cast<const std::byte*>(m.data), m.size}));
  d.help.emplace_back("it is kept in dead-letters.log under data_dir");
  around_.reporter().say(d);
}

}  // namespace standpipe::deliver
