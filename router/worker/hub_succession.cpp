// SPDX-License-Identifier: Apache-2.0
// Hub: how it gives way to a worker with another configuration. The states are those of
// succession.h.
#include <algorithm>
#include <utility>

#include "base/failure.h"
#include "base/text.h"
#include "deliver/call_page.h"
#include "worker/event_key.h"
#include "worker/hub.h"

namespace standpipe::worker {

namespace {

constexpr int kLastTurns = 64;  // of a source that is no more: a large FIFO's worth, and more

}  // namespace

std::uint64_t Hub::key_of_reload() { return key(kReload); }

std::string Hub::lack_of_room_for(const HubNames& names) const {
  return Topology::lack_of_room(foundation_.memory().plan(), foundation_.topology().directory(),
                                names, foundation_.names().renamed_in(names));
}

// Files are known by their source's name, and how far they were fed by its record in the memory. A
// source that goes is fed on with those of an earlier run; those of this one are the next start's.
std::vector<std::string> Hub::left_on_disk_by(const HubNames& names) const {
  const auto going = foundation_.names().leaving_in(names).sources;
  const auto renamed = foundation_.names().renamed_in(names);
  std::vector<std::string> left;
  for (const auto& source : sources_) {
    const auto& name = source.inlet->name();
    const bool has_files = source.inlet->spills() && source.inlet->spills()->has_files();
    const bool has_queues = std::any_of(source.queues.begin(), source.queues.end(),
                                        [](const auto& queue) { return queue->has_files(); });
    const bool goes = std::find(going.begin(), going.end(), name) != going.end();
    if ((goes && has_queues) || (renamed.contains(name) && (has_files || has_queues)))
      left.push_back(name);
  }
  return left;
}

// none -> draining
void Hub::begin_succession(const LeavingNames& leaving) {
  succession_.begin(numbers_of(leaving), clock_.steady(), options_.drain_timeout);
  loop_.set_timer(key(kSuccession), loop_.now());
}

Succession::Leaving Hub::numbers_of(const LeavingNames& names) const {
  const auto contains = [](const auto& all, const std::string& name) {
    return std::find(all.begin(), all.end(), name) != all.end();
  };
  Succession::Leaving leaving;
  for (std::size_t h = 0; h < handlers_.size(); ++h)
    if (!handlers_[h].departed() && contains(names.handlers, handlers_[h].name()))
      leaving.handlers.insert(h);
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    if (!sources_[i].is_departed && contains(names.sources, sources_[i].inlet->name()))
      leaving.sources.insert(i);
    const auto& to = sources_[i].handlers;
    if (std::any_of(to.begin(), to.end(), [&](auto h) { return leaving.handlers.contains(h); }))
      leaving.feeding.insert(i);
  }
  return leaving;
}

void Hub::succession_round() {
  using State = Succession::State;
  if (succession_.state() == State::draining) drain_round();
  if (succession_.state() == State::quieting) quiet_round();
  const bool has_closed = handlers_.all_closed() || succession_.is_overdue(loop_.now());
  if (succession_.state() == State::closing && has_closed) hand_over();
  loop_.set_timer(key(kSuccession), succession_.is_under_way()
                                        ? std::optional(loop_.now() + Succession::kPoll)
                                        : std::nullopt);
}

// What a handler has sent goes to its reader in any case, after the handler has gone. One that is
// held, or cannot open, has nobody to give to.
void Hub::drain_round() {
  std::uint64_t in_hand = 0, progress = 0;
  for (const auto h : succession_.leaving().handlers) {
    const auto& handler = handlers_[h];
    if (!handler.ready() || !handler.has_in_hand()) continue;
    ++in_hand;
    for (const auto& delivery : handler.deliveries())
      progress += delivery->next().sequence.number + delivery->tally().settled();
  }
  const auto& leaving = succession_.leaving();
  const bool has_room = std::none_of(leaving.sources.begin(), leaving.sources.end(), [&](auto i) {
    return sources_[i].inlet->has_unfed() ||
           (!leaving.feeding.contains(i) && has_no_room_for(i) > 0);
  });
  if (!has_room && !succession_.is_overdue(loop_.now())) return;
  if (succession_.has_drained(in_hand, progress, loop_.now())) succession_.quiet(clock_.steady());
}

// quieting -> closing, or none
void Hub::quiet_round() {
  const auto& all = handlers_.all();
  const auto busy =
      std::find_if(all.begin(), all.end(), [](const auto& handler) { return handler->in_call(); });
  if (busy != all.end()) {
    end_polls();
    if (succession_.is_overdue(loop_.now()))
      stay((*busy)->name() + " has not come back from a call for " +
           duration_text(Succession::kCallMost));
    return;
  }
  if (!succession_.to_read().empty() && !succession_.is_overdue(loop_.now())) return;
  for (const auto i : succession_.leaving().sources) {
    if (sources_[i].inlet->has_unfed())
      return stay(sources_[i].inlet->name() +
                  " is to go, and what an earlier run left of it is not delivered fast enough");
    if (has_no_room_for(i) > 0) after_turn(i, read_rest(i));  // a call may have come back since
    if (const auto bytes = has_no_room_for(i))
      return stay(sources_[i].inlet->name() + " is to go, and there is no room for " +
                  counted(bytes, "byte") +
                  " in its FIFO, because what it has is not delivered fast enough");
  }
  try {
    reloading_->go();
  } catch (const Failure& failure) {
    return stay(failure.what());
  }
  if (!link_.kept()) return lose_keeper();
  succession_.close(clock_.steady());
  handlers_.want_close(clock_.steady() + Succession::kCloseMost);
}

// A source plugin that waits for something to come is in a call.
void Hub::end_polls() {
  for (const auto& handler : handlers_.all()) handler->end_poll();
}

// closing -> over. From here on the next worker is asked for what people want.
void Hub::hand_over() {
  write_resumes(false);
  foundation_.hand_over();
  link_.succeeds();
  if (!link_.kept()) return lose_keeper();
  succession_.end();
}

// -> none: everything is as it was.
void Hub::stay(const std::string& why) {
  succession_.cancel();
  sources_.want_turns();
  replays_.want();
  for (std::size_t h = 0; h < handlers_.size(); ++h) handlers_.wake(h);
  reloading_->stays(why);
}

bool Hub::has_work() const {
  if (is_trial_) return handlers_.has_work() || outputs_.has_work();
  if (!succession_.is_quiet())
    return sources_.has_work() || disk_queues_.has_work() || replays_.has_work() ||
           handlers_.has_work() || outputs_.has_work();
  return outputs_.has_work() || !succession_.to_read().empty() ||
         (succession_.is_closing() && handlers_.has_work());
}

// As far as there is room.
Inlet::Turn Hub::read_rest(std::size_t i) {
  auto turn = Inlet::Turn::more;
  for (int turns = 0; turn == Inlet::Turn::more && turns < kLastTurns; ++turns) {
    turn = run_turn(i);
    sources_.trim();
  }
  return turn;
}

// How much of what came its log had no room for when it was last tried.
std::uint64_t Hub::has_no_room_for(std::size_t i) const {
  const auto& inlet = *sources_[i].inlet;
  return sources_[i].is_full ? inlet.waiting() + inlet.log().incomplete_bytes() : 0;
}

// What comes between the last worker's last look and this one is in the account, as unmatched. What
// there is no room for now is read when there is.
void Hub::end_source(std::size_t i) {
  auto& inlet = *sources_[i].inlet;
  sources_[i].is_ending = inlet.has_unfed();
  if (sources_[i].is_ending) return sources_.ready().add(i);
  if (!inlet.has_fifo() || !inlet.fifo().place().starts_with('/'))
    return;  // there is none, or an earlier worker did
  inlet.read_last();
  const auto turn = read_rest(i);
  sources_[i].is_ending = turn == Inlet::Turn::full;
  if (turn == Inlet::Turn::full) {
    after_turn(i, turn);
    if (has_no_room_for(i) > 0) return;
  }
  sources_[i].is_ending = false;
  fifos_.close(i);
}

void Hub::begin_for_good() {
  is_trial_ = false;
  for (std::size_t i = 0; i < sources_.size(); ++i)
    if (sources_[i].is_departed) end_source(i);
  handlers_.note_outputs_for_good();
  handlers_.end_outputs_of_nobody(options_.drain_timeout);
  for (std::size_t h = 0; h < handlers_.size(); ++h) {
    handlers_[h].stays();
    if (!handlers_[h].departed()) continue;
    handlers_[h].give_up();
    handlers_.wake(h);
  }
  for (const auto& name : link_.names())  // of handlers that are no more
    if (name.starts_with(deliver::kCallPages)) link_.forget(name);
}

}  // namespace standpipe::worker
