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

void HandlerLoop::create() {
  const auto made = handler_.create(options_.values);
  if (!made.ok())
    throw Failure("handler " + name() + " refuses to be made: " + made.reason, "standpipe plugin show " + options_.plugin->name);
}

Delivery& HandlerLoop::add(std::unique_ptr<Delivery> delivery) { return *deliveries_.emplace_back(std::move(delivery)); }

// ---- the loop

bool HandlerLoop::step(Nanoseconds now) {
  wake_at_.reset();
  waits_for_output_ = waits_for_turn_ = false;
  if (busy_ || state_ == State::closed) return false;
  if (close_by_) {
    call(Call::close);
    return false;
  }
  if (state_ == State::held) return false;
  if (state_ == State::opening) {
    if (now < open_due_) {
      wake_by(open_due_);
      return false;
    }
    call(Call::open);
    return true;
  }
  if (reopen_wanted_) {
    reopen_wanted_ = false;
    call(Call::reopen);
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
  return has_more();
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
  if (what == Call::handle) {
    record.delivery = batch_.delivery().id();
    record.messages = batch_.whole();
    record.outputs = static_cast<std::uint32_t>(outputs_.size());
    for (std::size_t i = 0; i < outputs_.size(); ++i) record.output[i] = outputs_[i]->index();
    for (auto* output : outputs_) output->expect();
    flight_.result.outcomes = flight_.outcomes;
    plugin::Handler::prepare(flight_.result, batch_.count());
    store_in_order(flight_.returned, std::uint32_t{0});
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
    around_.release();
  } else if (kept_->deaths_besides > 0) {
    kept_.edit().deaths_besides = 0;
  }
  kept_.edit().call = Call::none;
}

// In the handler's place. Touches nothing that the loop touches while busy_.
void HandlerLoop::perform() {
  const CulpritMark mark(around_.memory().culprit(), id_);
  switch (call_) {
    case Call::none:
      break;
    case Call::open:
      outputs_.clear();
      all_to_ = 0;
      in_open_ = true;
      answer_ = handler_.open();
      in_open_ = false;
      break;
    case Call::handle: {
      const auto view = batch_.view();
      answer_ = handler_.handle(view, flight_.result);
      flight_.code = answer_.code;
      store_in_order(flight_.returned, std::uint32_t{1});
      break;
    }
    case Call::reopen:
      answer_ = handler_.reopen();
      break;
    case Call::disconnect:
      handler_.close();
      break;
    case Call::close:
      answer_ = handler_.flush(static_cast<std::uint64_t>(close_by_->count()));
      handler_.close();
      break;
  }
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
    case Call::disconnect:
      return;
    case Call::close:
      if (!answer_.ok()) around_.reporter().error("flush-failed", name() + ": " + answer_.reason);
      state_ = State::closed;
      return;
  }
}

// ---- settling

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
  if (options_.attempts_max != 0 && batch_.attempt() >= options_.attempts_max)
    return give_up(first, last, Reason::retries_exhausted, now);
  batch_.delivery().give_again({batch_.range(first, last), batch_.attempt() + 1}, now + backoff(batch_.attempt()));
}

void HandlerLoop::give_up(std::uint32_t first, std::uint32_t last, Reason reason, Nanoseconds now) {
  auto& delivery = batch_.delivery();
  const auto range = batch_.range(first, last);
  delivery.edit_tally().drop(reason, range.count);
  delivery.finish(range);
  std::uint64_t left_out = 0;
  if (!trouble_.allow(now, left_out)) return;
  // The plugin gave one reason for its batch, the last one: it is the last such message's own.
  const auto why = last == reason_of_ ? answer_.reason : "its plugin told no reason of its own for it";
  Diagnostic d{.severity = Severity::warning,
               .code = std::string(reason_name(reason)),
               .message = name() + ": " + counted(range.count, "message") + " of " + delivery.source() + " dropped (" +
                          std::string(reason_name(reason)) + "): " + why};
  const auto& m = batch_.message(last - 1);
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
  call(Call::disconnect);
}

// For the run, whichever worker it is. The caller commits.
void HandlerLoop::hold(const std::string& reason) {
  kept_.edit().held = 1;
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
