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
      run_sender_(options_, needs_, deliveries_, in_hand_, host_, settlement_),
      next_(options_, needs_, deliveries_, in_hand_,
            [this](bool alone) { return admitted(alone); }),
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
  const CallRequest request{.kind = CallKind::create};
  call_.begin(CallKind::create);
  place_.executor().run(request);
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
  place_.note_made();
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
          .batch = batch(),
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

std::vector<Output*> HandlerLoop::note_outputs(bool configuration_stays) {
  if (current_.is_open() || departed()) return {};
  const bool may_leave = configuration_stays && lifecycle_.running();
  if (call_.has_noted(outputs()) && !(may_leave && call_.has_noted_others_than(outputs())))
    return {};
  auto left = noted_outputs();
  std::erase_if(left, [&](auto* o) { return std::ranges::find(outputs(), o) != outputs().end(); });
  if (may_leave) {
    call_.note_outputs(outputs());
    return left;
  }
  call_.note_outputs(outputs(), left);
  return {};
}

bool HandlerLoop::may_send_to(const Output& output) const {
  const auto noted = call_.outputs();
  return std::find(noted.begin(), noted.end(), output.index()) != noted.end() ||
         (!current_.is_open() &&
          std::find(outputs().begin(), outputs().end(), &output) != outputs().end());
}

// ---- what a person wants of it

void HandlerLoop::pause(const std::string& reason) {
  lifecycle_.pause(reason);
  needs_.memory.commit();
  return_taken(needs_.clock.steady());
}

void HandlerLoop::release() {
  const bool was_made = place_.is_made();
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
  if (!next_.fill_one(delivery)) {
    needs_.memory.commit();
    throw Failure("no message of " + delivery.source() + " waits for " + name());
  }
  auto& letters = settlement_.dead_letters();
  const DeadLettering::Failed one{0, 1, Reason::skipped, why};
  const bool kept = letters.write(batch(), {&one, 1}, now);
  letters.settle_failed(batch(), one, now);
  needs_.memory.commit();
  needs_.observer.settled(delivery);
  if (!kept)
    throw Failure("the message cannot be kept as a dead letter, so it is not skipped",
                  "the hub's log says why");
  return letters.keeps(delivery);
}

std::optional<Absence> HandlerLoop::absence() const {
  if (auto absence = lifecycle_.absence()) return absence;
  if (auto trouble = settlement_.dead_letters().trouble(needs_.clock.steady()))
    return Absence{Absence::Kind::no_letters, trouble->since,
                   "cannot have its dead letters kept (" + trouble->why + ")"};
  if (current_.is_open()) return std::nullopt;
  for (const auto* output : outputs())
    if (const auto since = output->unread_since())
      return Absence{Absence::Kind::no_reader, *since, "has no reader at " + output->path()};
  return std::nullopt;
}

bool HandlerLoop::stands_still(Nanoseconds now) const {
  const bool has_messages = current_.is_with_plugin() && current_.kind() == CallKind::handle;
  return has_messages ? now - current_.began() >= kStuckAfter : absence().has_value();
}

Output* HandlerLoop::sends_all_to() const {
  if (current_.is_open() || !lifecycle_.running() || host_.sends_all_to() == 0) return nullptr;
  auto& output = host_.output(host_.sends_all_to());
  return output.fifo() ? &output : nullptr;
}

// ---- the loop

bool HandlerLoop::advance(Nanoseconds now) {
  waiting_ = {};
  const bool has_more = settle_late(now);
  if ((held() || late_.is_ending()) && !current_.is_open()) return_taken(now);
  if (has_news_of_safety()) end_poll();
  if (in_call()) return has_more;
  return advance_calls(now) || has_more;
}

bool HandlerLoop::advance_calls(Nanoseconds now) {
  host_.adopt_files();
  const auto due = lifecycle_.due(now);
  const bool has_taken = !late_.messages().empty() && lifecycle_.running();
  if (due == CallKind::close && has_taken) {
    const auto step = last_flush_.next(now, lifecycle_.close_by(), waiting_);
    if (step == LastFlush::Step::flush) return make(CallKind::flush);
    if (step == LastFlush::Step::wait) return false;
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
  // What it had sent elsewhere may come back, and then it comes first.
  if (call_.has_noted_others_than(outputs())) return false;
  call_.note_outputs(outputs());
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
  if (!next_.fill(now, waiting_)) {
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
  const auto count = next_.fill_expired(now, waiting_);
  if (count > 0) answer_expired(count);
  return count > 0;
}

// As if the plugin had answered that the first of the batch are to be tried again: so they go where
// those go that are too old for that, and the rest is given anew.
void HandlerLoop::answer_expired(std::uint32_t count) {
  const auto now = needs_.clock.steady();
  current_.begin_answered({.kind = CallKind::handle, .batch = &batch()},
                          {STANDPIPE_OK, "nobody had it by then"}, now);
  host_.expect();
  call_.begin_handle(batch(), host_.outputs());
  auto& flight = call_.flight();
  std::fill_n(flight.outcomes, count, std::uint8_t{STANDPIPE_RETRY});
  flight.result.at = count;
  flight.code = STANDPIPE_OK;
  flight.note_return();
  on_completed(now);
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

// Without the plugin, in runs.
bool HandlerLoop::send_run(Nanoseconds now) {
  const bool sent = run_sender_.send(now, waiting_);
  if (sent && host_.has_files())
    is_unproven_ = !lifecycle_.is_connected();
  else if (sent)
    lifecycle_.handled(true, {}, now);
  return sent;
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
