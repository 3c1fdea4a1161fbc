// SPDX-License-Identifier: Apache-2.0
#include "deliver/handler_loop.h"

#include <algorithm>
#include <chrono>

#include "base/failure.h"
#include "base/in_order.h"
#include "base/invariant.h"
#include "base/limits.h"
#include "base/text.h"
#include "deliver/culprit.h"

namespace standpipe::deliver {

namespace {

constexpr std::size_t kBlocksLeast = 256;  // what settling a batch may take of the memory for rows, and as much again

// Of the messages of a range that are wanted.
std::uint64_t wire_bytes(const Delivery& delivery, const Range& range) {
  std::uint64_t sum = 0;
  for (auto at = range.begin; at < range.end;) {
    const auto piece = delivery.log().read(at, delivery.bit());
    if (!piece || piece->begin >= range.end) break;
    sum += std::min(piece->end.position, range.end.position) - piece->begin.position;
    at = piece->end;
  }
  return sum;
}

}  // namespace

HandlerLoop::HandlerLoop(const HandlerOptions& options, std::size_t id, Surroundings& around)
    : options_(options),
      id_(id),
      around_(around),
      kept_(around.memory(), "handler/" + options.name),
      held_reason_(around.memory(), "held/" + options.name),
      flight_(*reinterpret_cast<Flight*>(around.memory().plain_record("call/" + options.name, sizeof(Flight)).data())),
      handler_(*options.plugin, options.name, *this),
      batch_(kBatchMessages, kBatchBytes) {
  auto& watch = around.memory().watches()[id];
  watch.timeout_ns = static_cast<std::uint64_t>(options.timeout.count());
  options.name.copy(watch.name, sizeof watch.name - 1);
  if (kept_->held) state_ = State::held;
  tried_ = kept_->held;
  if (options.timeout > Nanoseconds(0)) batch_.limit(batch_max_ = 1);
  const bool threaded = options_.placement ? *options_.placement == Placement::thread : handler_.wants_thread();
  if (threaded) thread_ = std::make_unique<HandlerThread>();
}

HandlerLoop::~HandlerLoop() = default;

// One that is held is not asked: it may be held for dying of this.
void HandlerLoop::create() {
  if (state_ == State::held) return;
  call_ = Call::create;
  record_call(call_);
  perform();
  const auto made = answer_;
  end_call();
  around_.memory().commit();
  if (!made.ok())
    throw Failure("handler " + name() + " refuses to be made: " + made.reason, "standpipe plugin show " + options_.plugin->name);
}

Delivery& HandlerLoop::add(std::unique_ptr<Delivery> delivery) { return *deliveries_.emplace_back(std::move(delivery)); }

// ---- the loop

bool HandlerLoop::step(Nanoseconds now) {
  wake_at_.reset();
  waits_for_output_ = waits_for_turn_ = false;
  if (busy_ || state_ == State::closed) return false;
  if (disconnect_due_) {
    disconnect_due_ = !make(Call::disconnect);
    return !disconnect_due_;
  }
  if (close_by_) {
    (void)make(Call::close);
    return false;
  }
  if (state_ == State::held) return false;
  if (state_ == State::opening) {
    if (now < open_due_) {
      wake_by(open_due_);
      return false;
    }
    return make(Call::open);
  }
  if (reopen_wanted_) {
    if (!make(Call::reopen)) return false;
    reopen_wanted_ = false;
    return true;
  }
  waits_for_output_ = !outputs_accept();
  if (waits_for_output_) return false;
  if (all_to_ != 0) return send_run(now) && has_more();
  if (!take_batch(now)) {
    around_.memory().commit();  // cursors may have passed what is for others
    return false;
  }
  call(Call::handle);
  return disconnect_due_ || has_more();
}

// A call that is not about messages, as soon as it may be made.
bool HandlerLoop::make(Call what) {
  if (!admitted(is_to_be_alone(what))) return false;
  call(what);
  return true;
}

bool HandlerLoop::has_more() const {
  return std::any_of(deliveries_.begin(), deliveries_.end(),
                     [](const auto& d) { return d->may_have_more() || !d->again().empty(); });
}

bool HandlerLoop::admitted(bool alone) {
  waits_for_turn_ = !around_.admit(*this, alone);
  return !waits_for_turn_;
}

bool HandlerLoop::outputs_accept() const {
  if (around_.memory().free_blocks() < kBlocksLeast) return false;
  return may_all_come_back() && std::all_of(outputs_.begin(), outputs_.end(), [](const Output* o) { return o->accepts(); });
}

// Whatever is sent may have to be given again.
bool HandlerLoop::may_all_come_back() const {
  std::size_t sent = 0, again = 0;
  for (const auto* output : outputs_) sent += output->pending();
  if (sent == 0) return true;
  for (const auto& delivery : deliveries_) again = std::max(again, delivery->again().size());
  return sent + again + 2 * kBatchMessages <= AgainRow::kMax;
}

// From the deliveries in turn, so that a busy source does not keep a quiet one waiting.
bool HandlerLoop::take_batch(Nanoseconds now) {
  for (std::size_t i = 0; i < deliveries_.size(); ++i) {
    auto& delivery = *deliveries_[turn_];
    turn_ = (turn_ + 1) % deliveries_.size();
    if (!delivery.again().empty()) {
      if (delivery.again_due > now) {
        wake_by(delivery.again_due);
        continue;
      }
      if (!admitted(delivery.again().front().suspect == Suspicion::alone)) return false;
      batch_.take_again(delivery);
      return true;
    }
    const auto before = delivery.next();
    if (delivery.may_have_more()) {
      if (!admitted(false)) return false;
      if (batch_.take_next(delivery)) return true;
      around_.release();
    }
    if (before < delivery.next()) around_.settled(delivery);  // what was skipped may be trimmed
  }
  return false;
}

// A batch's worth of one delivery, in turn, without looking at the messages. The plugin has no part in it, so a death leaves
// nothing in doubt: one commit.
bool HandlerLoop::send_run(Nanoseconds now) {
  bool sent = false;
  for (std::size_t i = 0; i < deliveries_.size() && !sent; ++i) {
    auto& delivery = *deliveries_[turn_];
    turn_ = (turn_ + 1) % deliveries_.size();
    const auto before = delivery.next();
    sent = delivery.again().empty() ? send_next(delivery) : send_again(delivery, now);
    around_.memory().commit();
    if (!sent && before < delivery.next()) around_.settled(delivery);  // what was skipped may be trimmed
  }
  if (sent) connected();
  return sent;
}

bool HandlerLoop::send_again(Delivery& delivery, Nanoseconds now) {
  if (delivery.again_due > now) {
    wake_by(delivery.again_due);
    return false;
  }
  const auto range = delivery.again().front().range;
  delivery.again().pop_front();
  send(all_to_, delivery, range, wire_bytes(delivery, range));
  return true;
}

bool HandlerLoop::send_next(Delivery& delivery) {
  Range range;
  std::uint64_t bytes = 0;
  auto at = delivery.next();
  delivery.log().read_each(at, delivery.bit(), [&](const log::Piece& piece) {
    if (bytes == 0) range.begin = piece.begin;
    range.end = piece.end;
    range.count += piece.count;
    bytes += piece.bytes.size();
    return bytes < kBatchBytes;
  });
  if (bytes == 0) {
    delivery.skip_unwanted();
    return false;
  }
  delivery.give_out(range);
  send(all_to_, delivery, range, bytes);
  return true;
}

void HandlerLoop::send(std::uint32_t to, Delivery& delivery, const Range& range, std::uint64_t bytes) {
  auto& output = *outputs_[to - 1];
  output.send(delivery, range, bytes);
  around_.has_sendings(output);
}

// Makes the call here, or in the thread; on_completed follows either way.
void HandlerLoop::call(Call what) {
  busy_ = true;
  call_ = what;
  record_call(what);
  called_ = around_.clock().steady();
  call_reminder_ = {};
  if (!thread_) {
    auto& on_loop = around_.memory().watches()[id_].on_loop;
    store_in_order(on_loop, std::uint64_t{on_loop + 1});
    perform();
    store_in_order(on_loop, std::uint64_t{on_loop + 1});
    on_completed(around_.clock().steady());
    return;
  }
  thread_->post([this] {
    perform();
    around_.completed(*this);
  });
}

void HandlerLoop::record_call(Call what) {
  auto& record = kept_.edit();
  record.call = what;
  flight_.phase = Phase::none;
  store_in_order(flight_.returned, std::uint32_t{0});
  if (what == Call::handle) {
    record.delivery = batch_.delivery().id();
    record.messages = batch_.whole();
    record.outputs = static_cast<std::uint32_t>(outputs_.size());
    for (std::size_t i = 0; i < outputs_.size(); ++i) record.output[i] = outputs_[i]->index();
    for (auto* output : outputs_) output->expect();
    flight_.result.outcomes = flight_.outcomes;
    plugin::Handler::prepare(flight_.result, batch_.count());
  }
  around_.memory().commit();
  auto& watch = around_.memory().watches()[id_];
  if (what == Call::handle) store_in_order(watch.call, std::uint64_t{watch.call + 1});
}

// The time limit is for a call, and means a message: batches begin with one, and grow while they take a small part of it.
void HandlerLoop::fit_batches(Nanoseconds took) {
  if (options_.timeout == Nanoseconds(0)) return;
  const auto fair = options_.timeout / 4;
  if (took <= fair)
    batch_max_ = std::min(batch_max_ * 2, kBatchMessages);
  else
    batch_max_ = static_cast<std::uint32_t>(std::max<std::int64_t>(1, batch_.count() * fair / took));
  batch_.limit(batch_max_);
}

// Noted only: what the call has brought is committed with it.
void HandlerLoop::end_call() {
  auto& watch = around_.memory().watches()[id_];
  if (kept_->call == Call::handle) {
    if (watch.call % 2) store_in_order(watch.call, std::uint64_t{watch.call + 1});
    for (auto* output : outputs_) output->expected();
  }
  if (kept_->call != Call::create) around_.release();
  forgive(kept_->call);
  kept_.edit().call = Call::none;
}

// In the handler's place. Touches nothing that the loop touches while busy_.
void HandlerLoop::perform() {
  const CulpritMark mark(id_);
  switch (call_) {
    case Call::none:
      break;
    case Call::create:
      enter(Phase::create);
      answer_ = handler_.create(options_.values);
      break;
    case Call::open:
      outputs_.clear();
      all_to_ = 0;
      in_open_ = true;
      enter(Phase::open);
      answer_ = handler_.open();
      in_open_ = false;
      break;
    case Call::handle: {
      const auto view = batch_.view();
      enter(Phase::handle);
      answer_ = handler_.handle(view, flight_.result);
      flight_.code = answer_.code;
      break;
    }
    case Call::reopen:
      enter(Phase::reopen);
      answer_ = handler_.reopen();
      break;
    case Call::disconnect:
      enter(Phase::close);
      handler_.close();
      break;
    case Call::close:
      enter(Phase::flush);
      answer_ = handler_.flush(static_cast<std::uint64_t>(close_by_->count()));
      enter(Phase::close);
      handler_.close();
      break;
  }
  store_in_order(flight_.returned, std::uint32_t{1});
}

void HandlerLoop::on_completed(Nanoseconds now) {
  busy_ = false;
  end_call();
  if (call_ == Call::handle) {
    fit_batches(now - called_);
    settle_outcomes(now);
  }
  around_.memory().commit();
  switch (call_) {
    case Call::open:
      return settle_open(now);
    case Call::handle:
      return settle_handle(now);
    case Call::reopen:
      return settle_reopen(now);
    case Call::none:
    case Call::create:
    case Call::disconnect:
      return;
    case Call::close:
      if (!answer_.ok()) around_.reporter().error("flush-failed", name() + ": " + answer_.reason);
      state_ = State::closed;
      return;
  }
}

// ---- stopping

bool HandlerLoop::drained() const {
  if (busy_) return false;
  return state_ == State::held ||
         std::all_of(deliveries_.begin(), deliveries_.end(), [](const auto& d) { return !d->has_open() && !d->may_have_more(); });
}

void HandlerLoop::want_close(Nanoseconds deadline) { close_by_ = deadline; }

void HandlerLoop::abandon() {
  if (thread_) thread_->abandon();
}

// ---- HostServices

void HandlerLoop::log(std::uint32_t level, std::string_view text) {
  auto line = name() + ": " + std::string(text);
  if (level == STANDPIPE_LOG_ERROR)
    around_.reporter().error("plugin", std::move(line));
  else if (level == STANDPIPE_LOG_WARNING)
    around_.reporter().warning("plugin", std::move(line));
  else if (level == STANDPIPE_LOG_INFO)
    around_.reporter().info(std::move(line));
}

std::uint64_t HandlerLoop::now() { return static_cast<std::uint64_t>(around_.clock().wall().count()); }

bool HandlerLoop::stopping() { return around_.stopping(); }

// Comes from inside open, so busy_ keeps the loop away from outputs_.
std::uint32_t HandlerLoop::add_fifo(const plugin::FifoOutputRequest& request, std::string& why) {
  if (outputs_.size() >= kOutputsMax) {
    why = "a handler can have " + std::to_string(kOutputsMax) + " outputs at most";
    return 0;
  }
  if (!in_open_) {
    why = "outputs can be added in open only";
    return 0;
  }
  auto* output = around_.output_for(request, why);
  if (!output) return 0;
  outputs_.push_back(output);
  return static_cast<std::uint32_t>(outputs_.size());
}

bool HandlerLoop::send_all(std::uint32_t output) {
  if (!in_open_ || output == 0 || output > outputs_.size()) return false;
  all_to_ = output;
  return true;
}

}  // namespace standpipe::deliver
