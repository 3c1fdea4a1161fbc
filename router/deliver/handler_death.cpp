// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/failure.h"
#include "base/in_order.h"
#include "base/text.h"
#include "deliver/handler_loop.h"

// What a handler's loop makes of the call in which an earlier worker died.
namespace standpipe::deliver {
namespace {

constexpr std::uint16_t kDeathsOfOne = 3;        // then a message is put aside
constexpr std::uint32_t kAsideInARow = 5;        // then it is not the messages
constexpr std::uint32_t kDeathsBesidesMost = 3;  // in open, close ...: then the handler is held

}  // namespace

void HandlerLoop::take_up(const Death& death, Nanoseconds now) {
  const auto call = kept_->call;
  auto& watch = around_.memory().watches()[id_];
  if (watch.on_loop % 2) store_in_order(watch.on_loop, std::uint64_t{watch.on_loop + 1});
  if (call == Call::none) return;
  if (call == Call::handle) {
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
  } else if (death.blames(id_) && kept_.edit().deaths_besides++ + 1 >= kDeathsBesidesMost) {
    hold("its plugin has ended the worker " + std::to_string(kDeathsBesidesMost) + " times outside of messages (" + death.text() +
         ")");
  }
  kept_.edit().call = Call::none;
  around_.memory().commit();
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
    for (std::uint32_t i = 0; i < first; ++i) book(outcome(i), i, i + 1, now);
    kept_.edit().aside_in_a_row = 0;
    around_.memory().count_progress();
  }
  if (last < count) batch_.delivery().give_again({batch_.range(last, count), batch_.attempt()}, now);
  if (first < last) suspect(first, last, death, now);  // last: the batch is that one message then
}

void HandlerLoop::suspect(std::uint32_t first, std::uint32_t last, const Death& death, Nanoseconds now) {
  auto& delivery = batch_.delivery();
  const auto was = batch_.whole();
  const bool same = last - first == batch_.count();
  const auto before = static_cast<std::uint16_t>(same ? was.deaths : 0);
  if (!death.blames(id_))
    return delivery.give_again({batch_.range(first, last), was.attempt, before, same ? was.suspect : Suspicion::none}, now);
  around_.memory().count_progress();  // less is suspect than before
  const auto how = death.is_named() ? Suspicion::named : Suspicion::alone;
  const auto range = batch_.range(first, last);
  around_.reporter().info(name() + ": its plugin " + death.text() + " with " + counted(range.count, "message") + " of " +
                          delivery.source() + " up to number " + thousands(range.end.sequence.number - 1) +
                          (range.count > 1 ? "; they are tried in halves" : "; it is tried alone"));
  if (last - first > 1) {
    const auto middle = first + (last - first) / 2;
    delivery.give_again({batch_.range(first, middle), was.attempt, 0, how}, now);
    delivery.give_again({batch_.range(middle, last), was.attempt, 0, how}, now);
    return;
  }
  const auto deaths = static_cast<std::uint16_t>(before + (death.is_sure() ? 1 : 0));
  const Again one{batch_.range(first, last), was.attempt, deaths, how};
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
  if (!not_the_messages)
    failure = around_.put_aside({.source = delivery.source(),
                                 .handler = name(),
                                 .plugin = options_.plugin->name,
                                 .sequence = m.sequence,
                                 .accepted_ns = m.time,
                                 .put_aside_ns = this->now(),
                                 .reason = death.reason(),
                                 .detail = death.text(),
                                 .attempts = deaths,
                                 .payload = {reinterpret_cast<const std::byte*>(m.data), m.size}});
  if (not_the_messages || failure) {
    // One death fewer, so that it is tried once more when a person has acted.
    delivery.give_again({batch_.range(0, 1), batch_.attempt(), static_cast<std::uint16_t>(kDeathsOfOne - 1), batch_.suspect()},
                        now);
    return hold(failure ? "a message that its plugin dies of cannot be put aside: " + std::string(failure->what())
                        : "its plugin died of " + std::to_string(kAsideInARow) + " messages in a row (" + death.text() + ")");
  }
  ++kept_.edit().aside_in_a_row;
  ++delivery.edit_tally().dead_lettered;
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
