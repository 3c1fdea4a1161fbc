// SPDX-License-Identifier: Apache-2.0
// HandlerLoop: its calls, from the beginning of one to what it settles.
#include <algorithm>
#include <string>

#include "deliver/handler_loop.h"

namespace standpipe::deliver {

bool HandlerLoop::admitted(bool alone) {
  waiting_.for_turn = !needs_.admission.admit(*this, alone);
  return !waiting_.for_turn;
}

// Makes a call that is not about messages, as soon as it is admitted.
bool HandlerLoop::make(CallKind kind, const CallTerms& terms) {
  if (!admitted(blame_.is_to_be_alone(kind))) {
    if (making_) making_->cancel();
    return false;
  }
  lifecycle_.began(kind);
  call(kind, terms);
  return true;
}

// on_completed follows, now or when the thread has reported.
void HandlerLoop::call(CallKind kind, const CallTerms& terms) {
  const auto resume = kind == CallKind::open && polling_ ? making_->sink().resume() : std::string();
  const CallRequest request{
      .kind = kind, .batch = &batch(), .terms = terms_of(kind, terms), .resume = resume};
  if (kind == CallKind::tick) ticks_.begins();
  if (kind == CallKind::poll) polling_->began(request.terms);
  if (kind == CallKind::handle) {
    host_.expect();
    call_.begin_handle(batch(), host_.outputs());
  } else {
    call_.begin(kind);
  }
  current_.begin(request, needs_.clock.steady());
  if (place_.executor().start(current_.request())) on_completed(needs_.clock.steady());
}

CallTerms HandlerLoop::terms_of(CallKind kind, CallTerms terms) {
  if (kind == CallKind::close || kind == CallKind::flush) terms.deadline = lifecycle_.close_by();
  if (kind == CallKind::tick) terms.deadline = needs_.clock.steady();
  if (making_ && (kind == CallKind::tick || kind == CallKind::handle))
    terms.credit = making_->credit();
  return terms;
}

void HandlerLoop::on_completed(Nanoseconds now) {
  end_calls(now);
  (void)settle_late(now);
}

void HandlerLoop::end_calls(Nanoseconds now) {
  if (current_.waits_for_letters()) {
    // What else has happened is looked at when they are written.
    if (!settlement_.letters_are_written()) return;
    current_.waits_for_letters(false);
    settlement_.letters_written(batch(), now);
    settled(true, now);
    if (!call_.uses_child()) return;
  }
  // It may be told because the plugin has settled messages, and nothing else.
  if (!current_.is_open() && !call_.uses_child()) return;
  const auto ending = current_.own_answer() ? Ending::answered : place_.executor().take_ending();
  if (ending == Ending::none) return;
  if (!current_.own_answer()) call_.fetch();
  if (ending == Ending::died) return on_death(now);
  came_back(ending, now);
}

void HandlerLoop::came_back(Ending ending, Nanoseconds now) {
  const bool handles = current_.kind() == CallKind::handle;
  if (handles && call_.uses_child())
    plugin::Handler::mend(call_.flight().result, batch().count(), answer().ok(),
                          options_.may_take());
  host_.adopt_files();  // before anything is sent there, and while nothing waits to be committed
  call_.came_back();
  current_.came_back(now);
  if (current_.is_written_off()) return end_written_off(now);
  if (handles && making_ && !current_.own_answer())
    making_->take(call_.flight(), batch().count(), now);
  if (handles && begin_letters(now)) return;
  const bool was_made = ending != Ending::unmade;
  if (handles) return settled(was_made, now);
  end_other_call(was_made, now);
}

void HandlerLoop::end_other_call(bool was_made, Nanoseconds now) {
  const auto kind = current_.kind();
  current_.end();
  end_call(was_made);
  const bool makes = making_ && (kind == CallKind::tick || kind == CallKind::poll);
  if (makes) {
    making_->take(now);
    making_->append();
  }
  needs_.memory.commit();
  if (makes) end_making(kind, now);
  const bool has_closed = kind == CallKind::disconnect || kind == CallKind::close;
  if (has_closed || (kind == CallKind::open && !answer().ok())) host_.release_files();
  if (has_closed) return_taken(now);
  if (kind == CallKind::open) ticks_.opened();
  if (kind == CallKind::tick) ticks_.came_back(now, call_.flight().next_tick);
  last_flush_.came_back(kind);
  lifecycle_.came_back(kind, answer(), now);
}

// The call's record has its messages until it is settled. true: on_completed is called again.
bool HandlerLoop::begin_letters(Nanoseconds now) {
  const bool waits = settlement_.begin_letters({batch(), call_.flight(), answer(), now},
                                               [this] { needs_.completions.push(*this); });
  current_.waits_for_letters(waits);
  return waits;
}

// A call of handle has come back, and its letters are written.
void HandlerLoop::settled(bool was_made, Nanoseconds now) {
  current_.end();
  end_call(was_made);
  settle(now);
  needs_.memory.commit();
  if (making_ && !current_.own_answer()) (void)making_->end();
  needs_.observer.settled(batch().delivery());
  if (current_.end_own_answer()) return;
  is_unproven_ = host_.has_files();
  lifecycle_.handled(has_settled_some() && !is_unproven_, place_.executor().answer(), now);
}

void HandlerLoop::end_making(CallKind kind, Nanoseconds now) {
  const auto made = making_->end();
  if (kind == CallKind::poll) polling_->came_back(made, now);
}

// What is only taken proves no connection.
bool HandlerLoop::has_settled_some() const {
  const auto& flight = call_.flight();
  return std::any_of(flight.outcomes, flight.outcomes + flight.result.at,
                     [](auto outcome) { return outcome != STANDPIPE_TAKEN; });
}

// The child has died. What it was called for is settled or redelivered, and another one is started.
void HandlerLoop::on_death(Nanoseconds now) {
  const auto death = place_.executor().death();
  const bool in_call = current_.is_open();
  current_.end();
  // Where it did not begin with the call, that is its doing only if it has to begin itself.
  const bool has_begun = call_.has_entered() || call_.kind() == CallKind::open;
  const bool is_blamed = in_call && call_.is_cut_off() && has_begun;
  blame_.begin_anew();
  host_.adopt_files();
  host_.end_grant();
  if (making_) making_->cancel();
  const bool settled_some = in_call && settle_death(is_blamed ? death : Death(), now);
  return_taken(now);
  lifecycle_.died(death.text(), !is_blamed, settled_some, now);
}

// Whether anything came to an outcome.
bool HandlerLoop::settle_death(const Death& death, Nanoseconds now) {
  const bool handles = call_.kind() == CallKind::handle;
  CallRecovery(recovery_parts(), death, now).run_of_child();
  needs_.admission.release();
  if (end_write_off() || handles) host_.expected();
  needs_.memory.commit();
  if (!handles) return false;
  next_.died();
  needs_.observer.settled(batch().delivery());
  const auto at = call_.flight().result.at;
  return at > 0 && at != STANDPIPE_NOT_TOLD;
}

std::optional<Nanoseconds> HandlerLoop::may_write_off_at(const Delivery& delivery) const {
  const auto when = current_.may_write_off_at();
  const bool is_its_own = when && &next_.batch().delivery() == &delivery;
  if (!is_its_own || !options_.queue.drops() || delivery.of() != Delivery::Of::source)
    return std::nullopt;
  return when;
}

bool HandlerLoop::write_off_call(Delivery& delivery, Nanoseconds now) {
  const auto when = may_write_off_at(delivery);
  if (!when || now < *when) return false;
  const auto range = batch().range(0, batch().count());
  delivery.log().pin(delivery.bit(), range.begin.position, range.end.position);
  delivery.edit_tally().drop(Reason::queue_full, range.count);
  delivery.finish(range);
  call_.write_off();
  current_.write_off();
  needs_.memory.commit();
  return true;
}

// The call has come back, or died, and its memory can go. true: it was written off.
bool HandlerLoop::end_write_off() {
  if (!current_.end_write_off()) return false;
  auto& delivery = batch().delivery();
  delivery.log().unpin(delivery.bit());
  needs_.observer.settled(delivery);
  return true;
}

// What it says of its messages counts no more, and what it has made of them is dropped with them.
void HandlerLoop::end_written_off(Nanoseconds now) {
  current_.end();
  end_call(true);
  if (making_) making_->cancel();
  (void)end_write_off();
  needs_.memory.commit();
  lifecycle_.handled(false, place_.executor().answer(), now);
}

// Not committed here: what the call brought is committed with it.
void HandlerLoop::end_call(bool was_made) {
  call_.end();
  if (current_.kind() == CallKind::handle) host_.expected();
  if (current_.own_answer()) return;
  needs_.admission.release();
  if (!was_made) return;
  blame_.forgive(current_.kind());
  if (current_.kind() == CallKind::open && place_.has_page())
    blame_.forgive(CallKind::create);  // if it did that
}

void HandlerLoop::settle(Nanoseconds now) {
  if (!current_.own_answer()) next_.took(current_.took());
  const Outcomes outcomes(batch(), call_.flight(), answer(), now);
  const bool makes = making_ && !current_.own_answer();
  const auto retry = settlement_.settle(outcomes, makes && making_->was_full());
  if (makes) making_->append(outcomes, settlement_);
  if (retry) lifecycle_.retries(retry->reason, retry->due);
}

// ---- what the plugin settles later

// true: there is more to do now.
//
// What a plugin settles while it makes messages may be settled because of these: they go on first.
bool HandlerLoop::settle_late(Nanoseconds now) {
  if (making_ && current_.is_open()) return false;
  const bool handles = current_.is_open(CallKind::handle);
  const auto done = late_.settle(now, handles ? call_.ticket() : 0);
  if (done.wants_tick) ticks_.wake(now);
  if (done.retry) lifecycle_.retries(done.retry->reason, done.retry->due);
  if (done.settled_some && lifecycle_.running() && !is_unproven_) lifecycle_.handled(true, {}, now);
  waiting_.wake_by(late_.wake_at());
  return done.has_more;
}

void HandlerLoop::return_taken(Nanoseconds now) {
  while (settle_late(now)) {
  }
  if (late_.end(now)) needs_.memory.commit();
}

}  // namespace standpipe::deliver
