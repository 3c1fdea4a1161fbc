// SPDX-License-Identifier: Apache-2.0
#include "deliver/handler_loop.h"

#include <algorithm>
#include <utility>

#include "base/failure.h"
#include "base/limits.h"
#include "plugin/missing_powers.h"

namespace standpipe::deliver {

namespace {

constexpr std::size_t kBlocksLeast =
    256;  // what settling a batch may take of the memory for rows, and as much again

std::unique_ptr<Making> making_of(const HandlerOptions& options, const HandlerNeeds& needs) {
  if (!needs.sink || options.departed) return nullptr;
  const bool is_shared = options.where() == Placement::process && needs.children;
  return std::make_unique<Making>(*needs.sink, options.name, is_shared, needs.reporter);
}

std::unique_ptr<Polling> polling_of(const HandlerOptions& options, Making* making) {
  return making && options.is_source ? std::make_unique<Polling>(options, making->sink()) : nullptr;
}

}  // namespace

HandlerLoop::HandlerLoop(const HandlerOptions& options, std::size_t id, const HandlerNeeds& needs)
    : options_(options),
      needs_(needs),
      call_(needs.memory, options_, id),
      blame_(needs.memory, options_, id),
      lifecycle_(options_, needs_),
      host_(options_.name, needs_),
      late_(options_, needs_, host_, blame_, {}, [this] { needs_.completions.push(*this); }),
      settlement_(options_, needs_, host_, blame_, &late_.messages()),
      in_hand_(options_, host_, late_.messages()),
      expiry_(options_, needs_.clock),
      run_sender_(options_, needs_, deliveries_, in_hand_, host_, settlement_),
      batch_(kBatchMessages, std::min<std::uint64_t>(kBatchBytes, options_.queue.bytes_in_hand())),
      limit_(options_.timeout),
      making_(making_of(options_, needs_)),
      polling_(polling_of(options_, making_.get())),
      place_(options_, id, needs_, host_, call_,
             {making_ ? &making_->region() : nullptr, polling_ ? polling_->wake_fd() : -1},
             [this] { needs_.completions.push(*this); }) {
  host_.wake_by([this] { needs_.completions.push(*this); });
}

HandlerLoop::~HandlerLoop() = default;

Delivery& HandlerLoop::add(std::unique_ptr<Delivery> delivery) {
  auto& added = deliveries_.add(std::move(delivery));
  late_.use(deliveries_.all());
  return added;
}

// A held handler's plugin is not called: it may be held for dying of this.
void HandlerLoop::create() {
  if (!held()) make_instance();
}

void HandlerLoop::make_instance() {
  request_ = {.kind = CallKind::create};
  call_.begin(CallKind::create);
  place_.executor().run(request_);
  call_.fetch();
  if (place_.executor().take_ending() == Ending::died) {
    CallRecovery(recovery_parts(), place_.executor().death(), needs_.clock.steady()).run_of_child();
    needs_.memory.commit();
    return lifecycle_.died(place_.executor().death().text(), false, false, needs_.clock.steady());
  }
  const bool is_of_plugin = call_.has_entered();  // else its process could not begin
  blame_.forgive(CallKind::create);
  call_.end();
  needs_.memory.commit();
  const auto& made = place_.executor().answer();
  if (place_.has_page() && made.code == STANDPIPE_DISCONNECTED)  // open makes it, then
    needs_.reporter.warning("handler", name() + ": " + made.reason, "it is tried again");
  else if (!made.ok())
    throw Failure("handler " + name() + " refuses to be made: " + made.reason,
                  is_of_plugin ? "standpipe plugin show " + options_.plugin->name
                               : "that is about its process: correct 'user' or 'memory_max', or "
                                 "the plugin's file");
  is_made_ = true;
  for (const auto& lack :
       plugin::missing_powers(*options_.plugin, options_.kind(), options_.placement.has_value()))
    needs_.reporter.info(name() + ": " + lack);
}

CallRecovery::Parts HandlerLoop::recovery_parts() {
  return {.options = options_,
          .needs = needs_,
          .call = call_,
          .blame = blame_,
          .host = host_,
          .settlement = settlement_,
          .lifecycle = lifecycle_,
          .batch = batch_,
          .deliveries = deliveries_.all(),
          .makes_messages = making_ != nullptr};
}

// What was in a child has not killed the worker.
void HandlerLoop::recover(const Death& death, Nanoseconds now) {
  const Death nobodys;
  late_.recover();
  CallRecovery(recovery_parts(), call_.is_in_child() ? nobodys : death, now).run();
  late_.return_all(now);
  if (departed()) host_.recover(noted_outputs());
  needs_.memory.commit();
}

std::vector<Output*> HandlerLoop::noted_outputs() const {
  std::vector<Output*> outputs;
  for (const auto slot : call_.outputs()) outputs.push_back(&needs_.outputs.output(slot));
  return outputs;
}

bool HandlerLoop::may_send_to(const Output& output) const {
  const auto noted = call_.outputs();
  return std::find(noted.begin(), noted.end(), output.index()) != noted.end() ||
         (!busy_ && std::find(outputs().begin(), outputs().end(), &output) != outputs().end());
}

// ---- what a person wants of it

void HandlerLoop::pause(const std::string& reason) {
  lifecycle_.pause(reason);
  needs_.memory.commit();
  return_taken(needs_.clock.steady());
}

void HandlerLoop::release() {
  const bool was_made = is_made_;
  if (!was_made) make_instance_in_turn();
  lifecycle_.release(was_made);
  blame_.end_row();
  for (const auto& delivery : deliveries_.all()) delivery->redelivery_due = Nanoseconds(0);
  needs_.memory.commit();
}

// Calls of others may be in progress.
void HandlerLoop::make_instance_in_turn() {
  if (!admitted(false))
    throw Failure("a message is tried alone just now, to find out which one a plugin died of",
                  "try again in a moment");
  try {
    make_instance();
  } catch (const Failure&) {
    needs_.admission.release();
    throw;
  }
  needs_.admission.release();
}

bool HandlerLoop::skip(Delivery& delivery, const std::string& why, Nanoseconds now) {
  batch_.limit(1);
  if (!delivery.redeliveries().empty()) {
    batch_.fill_redelivery(delivery);
  } else if (!batch_.fill_next(delivery)) {
    needs_.memory.commit();
    throw Failure("no message of " + delivery.source() + " waits for " + name());
  }
  auto& letters = settlement_.dead_letters();
  const DeadLettering::Failed one{0, 1, Reason::skipped, why};
  const bool kept = letters.write(batch_, {&one, 1}, now);
  letters.settle_failed(batch_, one, now);
  needs_.memory.commit();
  needs_.observer.settled(delivery);
  if (!kept)
    throw Failure("the message cannot be kept as a dead letter, so it is not skipped",
                  "the hub's log says why");
  return letters.keeps(delivery);
}

std::optional<Absence> HandlerLoop::absence() const {
  if (auto absence = lifecycle_.absence()) return absence;
  if (busy_) return std::nullopt;
  for (const auto* output : outputs())
    if (const auto since = output->unread_since())
      return Absence{Absence::Kind::no_reader, *since, "has no reader at " + output->path()};
  return std::nullopt;
}

bool HandlerLoop::stands_still(Nanoseconds now) const {
  const bool has_messages = busy_ && request_.kind == CallKind::handle && !waits_for_letters_;
  return has_messages ? now - called_ >= kStuckAfter : absence().has_value();
}

Output* HandlerLoop::sends_all_to() const {
  if (busy_ || !lifecycle_.running() || host_.sends_all_to() == 0) return nullptr;
  auto& output = host_.output(host_.sends_all_to());
  return output.fifo() ? &output : nullptr;
}

// ---- the loop

bool HandlerLoop::advance(Nanoseconds now) {
  waiting_ = {};
  const bool has_more = settle_late(now);
  if ((held() || ends_taken_) && !busy_) return_taken(now);
  if (has_news_of_safety()) end_poll();
  if (in_call()) return has_more;
  return advance_calls(now) || has_more;
}

bool HandlerLoop::advance_calls(Nanoseconds now) {
  host_.adopt_files();
  const auto due = lifecycle_.due(now);
  const bool has_taken = !late_.messages().empty() && lifecycle_.running();
  if (due == CallKind::close && has_taken && !has_flushed_) return flush_taken(now);
  if (due == CallKind::close && has_taken && now < close_at_) {
    waiting_.wake_by(close_at_);
    return false;
  }
  if (due == CallKind::close && has_news_of_safety() && lifecycle_.running())
    return make(CallKind::poll, polling_->terms(now, {}));
  if (due != CallKind::close && expire(now)) return deliveries_.has_more();
  if (due == CallKind::handle && options_.is_source && !departed()) return poll(now);
  if (due == CallKind::handle && !departed() && options_.plugin->ticks()) {
    if (ticks_.at() <= now && !host_.is_quiet()) return wait_for_output();
    if (ticks_.at() <= now) return prepare_making(now) && make(CallKind::tick);
    if (ticks_.at() < Nanoseconds::max()) waiting_.wake_by(ticks_.at());
  }
  if (due == CallKind::handle) return give_messages(now);
  if (due != CallKind::none && due != CallKind::open && !host_.is_quiet()) return wait_for_output();
  const bool made = due != CallKind::none && make(due);
  waiting_.wake_by(lifecycle_.wake_at(now));
  return made && due != CallKind::close;
}

bool HandlerLoop::give_messages(Nanoseconds now) {
  if (departed()) return give_batch(now);
  if (host_.has_files() && !files_are_well(now)) return !waiting_.for_output;
  if (!outputs_accept()) return wait_for_output();
  call_.note_outputs(host_.outputs());
  if (host_.sends_all_to() != 0 && host_.granted() > 0)
    return send_run(now) && deliveries_.has_more();
  host_.end_grant();
  if (!host_.is_quiet()) return wait_for_output();
  return give_batch(now);
}

// false: there is no room for what a call would make. Whoever has room wakes the handler.
bool HandlerLoop::prepare_making(Nanoseconds now) {
  if (!making_ || making_->prepare()) return true;
  if (const auto at = making_->sink().ask_again()) waiting_.wake_by(std::max(*at, now));
  return false;
}

// A source brings nothing more once the hub stops, but hears of what is safe.
bool HandlerLoop::poll(Nanoseconds now) {
  if (!polling_) return false;
  if (polling_->waits_a_round()) return true;
  if (!polling_->is_due(now)) waiting_.wake_by(polling_->due());
  if (!needs_.stopping && polling_->is_due(now) && prepare_making(now))
    return make(CallKind::poll, polling_->terms(now, making_->credit()));
  return has_news_of_safety() && make(CallKind::poll, polling_->terms(now, {}));
}

void HandlerLoop::note_stopping() {
  place_.executor().note_stopping();
  end_poll();
}

bool HandlerLoop::give_batch(Nanoseconds now) {
  if (deliveries_.has_more() && !prepare_making(now)) return false;
  if (!next_batch(now)) {
    if (making_) making_->cancel();
    needs_.memory.commit();  // cursors may have passed what is for others
    return false;
  }
  call(CallKind::handle);
  return lifecycle_.due(now) == CallKind::disconnect || deliveries_.has_more();
}

// Messages that are too old are not given any more, nor do they wait for a plugin that cannot be
// reached. true: some were.
bool HandlerLoop::expire(Nanoseconds now) {
  if (held() || closed()) return false;
  const auto count = expiry_.fill(deliveries_, batch_, now, waiting_);
  if (count > 0) answer_expired(count);
  return count > 0;
}

// As if the plugin had answered that the first of the batch are to be tried again: so they go where
// those go that are too old for that, and the rest is given anew.
void HandlerLoop::answer_expired(std::uint32_t count) {
  busy_ = true;
  request_ = {.kind = CallKind::handle, .batch = &batch_};
  host_.expect();
  call_.begin_handle(batch_, host_.outputs());
  auto& flight = call_.flight();
  std::fill_n(flight.outcomes, count, std::uint8_t{STANDPIPE_RETRY});
  flight.result.at = count;
  flight.code = STANDPIPE_OK;
  flight.note_return();
  own_answer_ = plugin::Answer{STANDPIPE_OK, "nobody had it by then"};
  called_ = needs_.clock.steady();
  on_completed(called_);
}

// What went wrong with a file is as if the plugin had said so. A connection is there when what was
// sent after it was opened is in the file.
bool HandlerLoop::files_are_well(Nanoseconds now) {
  if (const auto failure = host_.take_failure()) {
    is_unproven_ = false;
    host_.end_grant();
    lifecycle_.handled(false, {STANDPIPE_DISCONNECTED, *failure}, now);
    return false;
  }
  if (!is_unproven_) return true;
  if (!host_.is_quiet()) return wait_for_output();
  is_unproven_ = false;
  lifecycle_.handled(true, {}, now);
  return true;
}

// Whether it does nothing until outputs have moved on.
bool HandlerLoop::wait_for_output() {
  waiting_.for_output = true;
  return false;
}

bool HandlerLoop::outputs_accept() const {
  return needs_.memory.free_blocks() >= kBlocksLeast && host_.accepts();
}

bool HandlerLoop::next_batch(Nanoseconds now) {
  batch_.limit(static_cast<std::uint32_t>(
      std::min<std::uint64_t>(limit_.messages(), options_.queue.messages_in_hand())));
  for (std::size_t i = 0; i < deliveries_.size(); ++i) {
    auto& delivery = deliveries_.current();
    if (!delivery.is_queued() && in_hand_.holds_back(delivery, now, waiting_)) return false;
    deliveries_.pass();
    if (delivery.is_queued()) continue;
    const auto before = delivery.next();
    if (next_batch_of(delivery, now)) return true;
    if (waiting_.for_turn) return false;
    if (before < delivery.next())
      needs_.observer.settled(delivery);  // what was skipped may be trimmed
  }
  return false;
}

// Redeliveries come before new messages. false: nothing now, or not admitted.
bool HandlerLoop::next_batch_of(Delivery& delivery, Nanoseconds now) {
  if (!delivery.redeliveries().empty()) {
    if (delivery.redelivery_due > now) {
      waiting_.wake_by(delivery.redelivery_due);
      return false;
    }
    if (!admitted(delivery.redeliveries().front().suspect == Suspicion::alone)) return false;
    batch_.fill_redelivery(delivery);
    return true;
  }
  if (!delivery.may_have_more() || !admitted(false)) return false;
  if (batch_.fill_next(delivery)) return true;
  needs_.admission.release();
  return false;
}

// Without the plugin, in runs.
bool HandlerLoop::send_run(Nanoseconds now) {
  const bool sent = run_sender_.send(now, waiting_);
  if (sent && host_.has_files())
    is_unproven_ = !lifecycle_.is_connected();
  else if (sent)
    lifecycle_.handled(true, {}, now);
  return sent;
}

// ---- calls

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
  busy_ = true;
  request_ = {.kind = kind, .batch = &batch_, .terms = terms};
  if (kind == CallKind::close || kind == CallKind::flush)
    request_.terms.deadline = lifecycle_.close_by();
  if (kind == CallKind::tick) {
    ticks_.begins();
    request_.terms.deadline = needs_.clock.steady();
  }
  if (making_ && (kind == CallKind::tick || kind == CallKind::handle))
    request_.terms.credit = making_->credit();
  if (kind == CallKind::poll) polling_->began(request_.terms);
  if (kind == CallKind::open && polling_) request_.resume = resume_ = making_->sink().resume();
  if (kind == CallKind::handle) {
    host_.expect();
    call_.begin_handle(batch_, host_.outputs());
  } else {
    call_.begin(kind);
  }
  called_ = needs_.clock.steady();
  call_reminder_ = {};
  if (place_.executor().start(request_)) on_completed(needs_.clock.steady());
}

void HandlerLoop::on_completed(Nanoseconds now) {
  end_calls(now);
  (void)settle_late(now);
}

void HandlerLoop::end_calls(Nanoseconds now) {
  if (waits_for_letters_) {
    // What else has happened is looked at when they are written.
    if (!settlement_.letters_are_written()) return;
    waits_for_letters_ = false;
    settlement_.letters_written(batch_, now);
    settled(true, now);
    if (!call_.uses_child()) return;
  }
  // It may be told because the plugin has settled messages, and nothing else.
  if (!busy_ && !call_.uses_child()) return;
  const auto ending = own_answer_ ? Ending::answered : place_.executor().take_ending();
  if (ending == Ending::none) return;
  if (!own_answer_) call_.fetch();
  if (ending == Ending::died) return on_death(now);
  const auto kind = request_.kind;
  if (kind == CallKind::handle && call_.uses_child())
    plugin::Handler::mend(call_.flight().result, batch_.count(), answer().ok(),
                          options_.may_take());
  host_.adopt_files();  // before anything is sent there, and while nothing waits to be committed
  call_.came_back();
  returned_ = now;
  if (is_abandoned_) return end_abandoned(now);
  if (kind == CallKind::handle && making_ && !own_answer_)
    making_->take(call_.flight(), batch_.count(), now);
  if (kind == CallKind::handle && begin_letters(now)) return;
  const bool was_made = ending != Ending::unmade;
  if (kind == CallKind::handle) return settled(was_made, now);
  busy_ = false;
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
  has_flushed_ = kind == CallKind::flush;
  lifecycle_.came_back(kind, answer(), now);
}

// The call's record has its messages until it is settled. true: on_completed is called again.
bool HandlerLoop::begin_letters(Nanoseconds now) {
  waits_for_letters_ = settlement_.begin_letters({batch_, call_.flight(), answer(), now},
                                                 [this] { needs_.completions.push(*this); });
  return waits_for_letters_;
}

// A call of handle has come back, and its letters are written.
void HandlerLoop::settled(bool was_made, Nanoseconds now) {
  busy_ = false;
  end_call(was_made);
  settle(now);
  needs_.memory.commit();
  if (making_ && !own_answer_) (void)making_->end();
  needs_.observer.settled(batch_.delivery());
  if (std::exchange(own_answer_, std::nullopt)) return;
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
  const bool in_call = std::exchange(busy_, false);
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
  if (end_abandonment() || handles) host_.expected();
  needs_.memory.commit();
  if (!handles) return false;
  limit_ = BatchLimit(options_.timeout);
  needs_.observer.settled(batch_.delivery());
  const auto at = call_.flight().result.at;
  return at > 0 && at != STANDPIPE_NOT_TOLD;
}

std::optional<Nanoseconds> HandlerLoop::may_abandon_at(const Delivery& delivery) const {
  const bool has_messages = busy_ && request_.kind == CallKind::handle && !waits_for_letters_ &&
                            !own_answer_ && !is_abandoned_;
  const bool is_its_own = has_messages && &batch_.delivery() == &delivery;
  if (!is_its_own || !options_.queue.drops() || delivery.of() != Delivery::Of::source)
    return std::nullopt;
  return called_ + kAbandonedAfter;
}

bool HandlerLoop::abandon_call(Delivery& delivery, Nanoseconds now) {
  const auto when = may_abandon_at(delivery);
  if (!when || now < *when) return false;
  const auto range = batch_.range(0, batch_.count());
  delivery.log().pin(delivery.bit(), range.begin.position, range.end.position);
  delivery.edit_tally().drop(Reason::queue_full, range.count);
  delivery.finish(range);
  call_.abandon();
  is_abandoned_ = true;
  needs_.memory.commit();
  return true;
}

// The call has come back, or died, and its memory can go. true: it was abandoned.
bool HandlerLoop::end_abandonment() {
  if (!std::exchange(is_abandoned_, false)) return false;
  auto& delivery = batch_.delivery();
  delivery.log().unpin(delivery.bit());
  needs_.observer.settled(delivery);
  return true;
}

// What it says of its messages counts no more, and what it has made of them is dropped with them.
void HandlerLoop::end_abandoned(Nanoseconds now) {
  busy_ = false;
  end_call(true);
  if (making_) making_->cancel();
  (void)end_abandonment();
  needs_.memory.commit();
  lifecycle_.handled(false, place_.executor().answer(), now);
}

// Not committed here: what the call brought is committed with it.
void HandlerLoop::end_call(bool was_made) {
  call_.end();
  if (request_.kind == CallKind::handle) host_.expected();
  if (own_answer_) return;
  needs_.admission.release();
  if (!was_made) return;
  blame_.forgive(request_.kind);
  if (request_.kind == CallKind::open && place_.has_page())
    blame_.forgive(CallKind::create);  // if it did that
}

void HandlerLoop::settle(Nanoseconds now) {
  if (!own_answer_) limit_.took(batch_.count(), returned_ - called_);
  const Outcomes outcomes(batch_, call_.flight(), answer(), now);
  const bool makes = making_ && !own_answer_;
  const auto retry = settlement_.settle(outcomes, makes && making_->was_full());
  if (makes) making_->append(outcomes, settlement_);
  if (retry) lifecycle_.retries(retry->reason, retry->due);
}

// ---- what the plugin settles later

// true: there is more to do now.
//
// What a plugin settles while it makes messages may be settled because of these: they go on first.
bool HandlerLoop::settle_late(Nanoseconds now) {
  if (making_ && busy_) return false;
  const bool handles = busy_ && request_.kind == CallKind::handle;
  const auto done = late_.settle(now, handles ? call_.ticket() : 0);
  if (done.wants_tick) ticks_.wake(now);
  if (done.retry) lifecycle_.retries(done.retry->reason, done.retry->due);
  if (done.settled_some && lifecycle_.running() && !is_unproven_) lifecycle_.handled(true, {}, now);
  waiting_.wake_by(late_.wake_at());
  return done.has_more;
}

// The instance is no more, or is not to go on: all that it has said counts, and what it has not
// settled is redelivered. If letters are being written, `advance` comes back to it.
void HandlerLoop::return_taken(Nanoseconds now) {
  while (settle_late(now)) {
  }
  ends_taken_ = late_.waits_for_letters();
  if (ends_taken_ || late_.messages().empty()) return;
  late_.return_all(now);
  needs_.memory.commit();
}

void HandlerLoop::end_taken(Nanoseconds now) { return_taken(now); }

// Before it is closed for good, a plugin that has taken messages is asked to flush, and has until
// shortly before the deadline to settle them.
bool HandlerLoop::flush_taken(Nanoseconds now) {
  close_at_ = now + (lifecycle_.close_by() - now) / 4 * 3;
  return make(CallKind::flush);
}

bool HandlerLoop::drained() const {
  if (in_call()) return false;
  if (held() || deliveries_.drained()) return true;
  if (late_.messages().empty()) return false;
  std::uint64_t open = 0;
  for (const auto& delivery : deliveries_.all()) {
    if (delivery->may_have_more()) return false;
    for (const auto& range : delivery->open()) open += range.count;
  }
  return open == late_.messages().messages();
}

}  // namespace standpipe::deliver
