// SPDX-License-Identifier: Apache-2.0
#include "worker/hub.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

#include "base/failure.h"
#include "base/invariant.h"
#include "base/open_files.h"
#include "base/text.h"
#include "control/server.h"
#include "deliver/culprit.h"
#include "worker/event_key.h"
#include "worker/fifo_patrol.h"

namespace standpipe::worker {
namespace {

using namespace std::chrono_literals;

constexpr Nanoseconds kCheckpointEach = 1s;
constexpr Nanoseconds kDribbleLook = 1s;  // how often, while memory is short, whoever holds it for nothing is looked for

}  // namespace

Hub::Hub(const config::Hub& options, const Clock& clock, Reporter& reporter, keeper::Link& link, bool saves)
    : options_(options),
      clock_(clock),
      reporter_(reporter),
      link_(link),
      wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      dev_null_(::open("/dev/null", O_WRONLY | O_CLOEXEC)),
      budget_(PipeBudget::here(options.sources.size(), options.handlers.size())),
      memory_((raise_open_files_limit(), take_memory())),
      stage_(take_stage()),
      arena_(*memory_),
      run_(*memory_, "run"),
      data_(options, memory_->recovered(), begin_run(), link, reporter),
      full_inlets_(options.sources.size()) {
  now_ = clock_.steady();
  if (!memory_->recovered()) open_closed_sources();
  open_sources();
  make_handlers();
  connect();
  if (!memory_->recovered()) resume_sources();
  if (data_.works()) find_spills();
  saves_ = saves || run_->saving;
  if (memory_->recovered()) take_up();
  deliver::CulpritMark::install(memory_->culprit(), crash_note());
  memory_->commit();
  if (!saves_) create_handlers();
  poller_.add(wake_.get(), EPOLLIN, key(kCompletion));
  if (link_.kept()) poller_.add(link_.fd(), EPOLLIN, key(kKeeper));
}

Hub::~Hub() = default;

// Every source that cannot be had is told, not just the first.
void Hub::open_sources() {
  std::size_t failed = 0;
  bool is_wrong = false;
  for (std::size_t i = 0; i < options_.sources.size(); ++i) {
    const auto& s = options_.sources[i];
    try {
      const bool warn = !options_.unmatched && options_.unmatched_by_default;
      inlets_.push_back(
          std::make_unique<Inlet>(s, i, arena_, std::move(matchers_[i]), clock_, reporter_, warn, link_.take("source/" + s.name)));
      auto& inlet = *inlets_.back();
      memory_->commit();
      claim(inlet.fifo());
      link_.keep("source/" + s.name, inlet.fifo().fd());
      if (inlet.fifo().created()) reporter_.info(s.name + ": created " + s.path);
      tell_difference(inlet);
      if (budget_.source_fifo) inlet.fifo().grow(budget_.source_fifo);
      poller_.add(inlet.fifo().fd(), EPOLLIN, key(kInlet, i));
      inlet_of_[&inlet.log()] = i;
      ready_inlets_.add(i);  // whatever lies in it already tells nobody
    } catch (const Failure& failure) {
      reporter_.error("source", "source " + s.name + ": " + failure.what(), failure.help());
      is_wrong = is_wrong || dynamic_cast<const WrongConfiguration*>(&failure);
      ++failed;
    }
  }
  if (is_wrong) throw WrongConfiguration(counted(failed, "source") + " cannot be opened");
  if (failed) throw Failure(counted(failed, "source") + " cannot be opened");
}

void Hub::make_handlers() {
  for (std::size_t h = 0; h < options_.handlers.size(); ++h) {
    handlers_.push_back(std::make_unique<deliver::HandlerLoop>(options_.handlers[h], h, *this));
    index_of_[handlers_.back().get()] = h;
    memory_->commit();
  }
}

void Hub::create_handlers() {
  std::size_t failed = 0;
  for (std::size_t h = 0; h < handlers_.size(); ++h) {
    try {
      handlers_[h]->create();
      ready_handlers_.add(h);
    } catch (const Failure& failure) {
      reporter_.error("handler", failure.what(), failure.help());
      ++failed;
    }
  }
  if (failed) throw WrongConfiguration(counted(failed, "handler") + " cannot be made");
}

void Hub::connect() {
  for (auto& inlet : inlets_) {
    const auto& handlers = inlet->matcher().handlers();
    for (std::size_t bit = 0; bit < handlers.size(); ++bit) {
      auto& handler = *handlers_[handlers[bit]];
      deliveries_.push_back(
          &handler.add(inlet->make_delivery(bit, handler.name(), static_cast<std::uint32_t>(deliveries_.size()))));
      memory_->commit();  // each for itself: all of them together are more than the undo log holds
    }
    handlers_of_.push_back(handlers);
  }
  connect_relays();
  memory_->commit();
}

// What earlier runs left comes first, if its source is still there.
void Hub::find_spills() {
  const bool goes_on = memory_->recovered();
  for (std::size_t i = 0; i < inlets_.size(); ++i) {
    std::vector<std::string> names;
    for (const auto h : handlers_of_[i]) names.push_back(handlers_[h]->name());
    serve_spills(i, std::move(names), goes_on);
  }
  if (goes_on) return;
  const auto is_configured = [&](const std::string& name) {
    return std::any_of(inlets_.begin(), inlets_.end(), [&](const auto& inlet) { return inlet->name() == name; });
  };
  for (const auto& [source, path] : data_.spills())
    if (!is_configured(source))
      reporter_.warning("spill",
                        path + " has messages of source " + source + ", which the configuration no longer has: they stay there",
                        "configure it again, or delete the file");
}

// ---- the loop

void Hub::run() {
  timers_.set(key(kFifos), now_ + FifoPatrol::kEach);
  while (!finished()) step();
}

void Hub::step() {
  link_.pulse().rounds.fetch_add(1, std::memory_order_relaxed);
  wait();     // what has happened: FIFOs, readers, threads, signals, timers
  accept();   // FIFOs -> logs: whole frames, each matched once
  deliver();  // logs -> handlers, and settle what they answered
  pump();     // what handlers sent -> FIFOs, and what readers took
  trim();     // memory of what everybody has passed goes back
  if (stopping_) stop_step();
  check();
}

std::vector<std::string> Hub::start(Nanoseconds most) {
  checkpoint_at_ = now_;
  data_.begin_checkpoints(checkpoint());
  const auto until = clock_.steady() + most;
  timers_.set(key(kDeadline), until);
  const auto tried = [](const auto& h) { return h->tried(); };
  while (!finished() && now_ < until && !std::all_of(handlers_.begin(), handlers_.end(), tried)) step();
  if (!stopping_) timers_.set(key(kDeadline), std::nullopt);
  std::vector<std::string> not_ready;
  for (const auto& h : handlers_)
    if (!h->ready()) not_ready.push_back(h->name());
  return not_ready;
}

bool Hub::busy() const {
  return !ready_inlets_.empty() || !ready_handlers_.empty() || !ready_outlets_.empty() || !dirty_inlets_.empty();
}

void Hub::wait() {
  auto until = timers_.next();
  if (busy()) until = now_;
  for (const auto& event : poller_.wait(until, now_)) on_event(event.data.u64, event.events);
  now_ = clock_.steady();
  for (const auto k : timers_.due(now_)) on_timer(k);
}

void Hub::on_event(std::uint64_t k, std::uint32_t events) {
  switch (kind_of(k)) {
    case kInlet:
      inlets_[index_in(k)]->on_event(events);
      ready_inlets_.add(index_in(k));
      return;
    case kOutlet:
      outlets_[index_in(k)].output->on_event(events, now_);
      ready_outlets_.add(index_in(k));
      return;
    case kCompletion:
      return on_completions();
    case kKeeper:
      return on_keeper();
    case kControl:
      return control_->on_event();
    default:
      return;
  }
}

void Hub::on_timer(std::uint64_t k) {
  if (kind_of(k) == kInlet) ready_inlets_.add(index_in(k));
  if (kind_of(k) == kDribble) end_dribbles();
  if (kind_of(k) == kCalls) look_at_calls();
  if (kind_of(k) == kOverflow) make_room(index_in(k));
  if (kind_of(k) == kReminder) remind(index_in(k));
  if (kind_of(k) == kCheckpoint) keep_checkpoint();
  if (kind_of(k) == kFifos) look_for_fifos();
  if (kind_of(k) == kVisits) visit_outputs();
  if (kind_of(k) == kHandler) ready_handlers_.add(index_in(k));
  if (kind_of(k) == kOutlet) ready_outlets_.add(index_in(k));
}

void Hub::accept() {
  std::vector<std::size_t> news;
  for (const auto i : ready_inlets_.round()) {
    auto* output = relays_to(i);
    if (holds_back(i, output)) continue;
    auto& inlet = *inlets_[i];
    if (output) relayed_to_[i] = output;
    inlet.relay(relays_[i].get(), output);
    const auto turn = accept_from(inlet, i);
    if (inlet.wants_fifo() && !stopping_) reopen_source(i);
    full_inlets_[i] = turn == Inlet::Turn::full;
    if (turn == Inlet::Turn::more) ready_inlets_.add(i);
    if (turn == Inlet::Turn::full) wait_for_room(i), make_room(i);
    if (inlet.draining()) timers_.set(key(kReminder, i), inlet.reminder_due());
    if (full_inlets_[i] && inlet.waits_for_arena()) timers_.set_if_none(key(kDribble), now_ + kDribbleLook);
    news.clear();
    inlet.take_news(news);
    for (const auto bit : news) ready_handlers_.add(handlers_of_[i][bit]);
    dirty_inlets_.add(i);
    if (!news.empty()) note_change();
  }
}

// What the kernel refuses for no known reason is tried again: the rest of the hub goes on.
Inlet::Turn Hub::accept_from(Inlet& inlet, std::size_t i) try {
  const auto turn = inlet.accept(stage_, dev_null_.get());
  moderate(i, turn);
  return turn;
} catch (const Failure& failure) {
  reporter_.error("source", inlet.name() + ": " + failure.what(), failure.help());
  timers_.set(key(kInlet, i), now_ + 1s);
  return Inlet::Turn::idle;
}

void Hub::remind(std::size_t i) {
  inlets_[i]->remind();
  timers_.set(key(kReminder, i), inlets_[i]->reminder_due());
}

// Memory is short. Whoever holds much of it for a frame that does not come is found; looked for again while somebody waits.
void Hub::end_dribbles() {
  bool waits = false;
  for (std::size_t i = 0; i < inlets_.size(); ++i) {
    if (inlets_[i]->end_dribble()) ready_inlets_.add(i);
    if (!full_inlets_[i] || !inlets_[i]->waits_for_arena()) continue;
    make_room(i);
    waits = true;
  }
  if (waits) timers_.set(key(kDribble), now_ + kDribbleLook);
}

// What lies in pipes of readers may have been taken without anybody being told.
void Hub::wait_for_room(std::size_t i) {
  for (const auto h : handlers_of_[i]) {
    if (handlers_[h]->in_call()) continue;
    for (auto* output : handlers_[h]->outputs()) {
      output->hurry(now_);
      timers_.set(key(kOutlet, outlet_of_[output]), output->wake_at());
    }
  }
  unblock_handlers();
}

void Hub::unblock_handlers() {
  for (const auto h : blocked_handlers_.round()) ready_handlers_.add(h);
}

void Hub::deliver() {
  for (const auto h : ready_handlers_.round()) {
    if (handlers_[h]->step(now_)) ready_handlers_.add(h);
    adopt_outputs();
    after_step(h);
  }
}

void Hub::after_step(std::size_t h) {
  timers_.set(key(kHandler, h), handlers_[h]->wake_at());
  if (handlers_[h]->held()) make_room_beside(*handlers_[h]);
  if (handlers_[h]->waits_for_output() || handlers_[h]->waits_for_turn()) blocked_handlers_.add(h);
  if (wants_alone_ == handlers_[h].get() && !handlers_[h]->waits_for_turn()) {  // it was held, or closed, or has had its turn
    wants_alone_ = nullptr;
    unblock_handlers();
  }
}

void Hub::pump() {
  for (const auto o : ready_outlets_.round()) {
    if (outlets_[o].output->pump(now_)) ready_outlets_.add(o);
    after_pump(o);
    unblock_handlers();
  }
  if (!held_inlets_.empty()) end_holds();
}

void Hub::after_pump(std::size_t o) {
  auto& outlet = outlets_[o];
  if (outlet.watched != outlet.output->openings()) {
    outlet.watched = outlet.output->openings();
    poller_.add(outlet.output->fd(), EPOLLOUT, key(kOutlet, o));
  }
  timers_.set(key(kOutlet, o), outlet.output->wake_at());
}

void Hub::trim() {
  for (const auto i : dirty_inlets_.round()) {
    const bool passed = inlets_[i]->trim();
    if (!full_inlets_[i]) continue;
    if (passed)
      ready_inlets_.add(i);
    else
      overflow(i);
  }
  // Memory went back to the arena: whoever waits for that may have it.
  if (arena_.releases() == releases_seen_) return;
  releases_seen_ = arena_.releases();
  for (std::size_t i = 0; i < inlets_.size(); ++i)
    if (full_inlets_[i] && inlets_[i]->waits_for_arena()) ready_inlets_.add(i);
}

// A hub at which nothing happens has no timer.
void Hub::note_change() {
  if (std::exchange(changed_, true)) return;
  timers_.set(key(kCheckpoint), std::max(now_, checkpoint_at_ + kCheckpointEach));
}

void Hub::keep_checkpoint() {
  changed_ = false;
  checkpoint_at_ = now_;
  data_.write(checkpoint());
}

Checkpoint Hub::checkpoint() const {
  Checkpoint point{.began = began(), .pid = link_.kept() ? link_.keeper_pid() : ::getpid(), .at = clock_.wall()};
  for (const auto& inlet : inlets_) {
    point.sources.push_back({inlet->name(), inlet->books().accepted});
    point.waiting_bytes += inlet->log().memory();
  }
  for (const auto* delivery : deliveries_)
    point.in_flight += delivery->tally().matched - delivery->tally().settled() - delivery->saved();
  return point;
}

// The books must close at every round; where that would cost too much, now and then.
void Hub::check() {
#ifdef NDEBUG
  if (now_ - checked_ < 10s) return;
#endif
  checked_ = now_;
  for (const auto& inlet : inlets_) inlet->check_invariants();
  for (const auto& handler : handlers_)
    for (const auto& delivery : handler->deliveries()) delivery->check_invariants();
}

// ---- Surroundings

void Hub::completed(deliver::HandlerLoop& handler) {
  {
    const std::lock_guard lock(completions_mutex_);
    completions_.push_back(&handler);
  }
  const std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);
}

void Hub::on_completions() {
  std::uint64_t count = 0;
  (void)!::read(wake_.get(), &count, sizeof count);
  std::vector<deliver::HandlerLoop*> done;
  {
    const std::lock_guard lock(completions_mutex_);
    done.swap(completions_);
  }
  for (auto* handler : done) {
    adopt_outputs();
    handler->on_completed(clock_.steady());
    const auto h = index_of_[handler];
    ready_handlers_.add(h);
    after_step(h);
  }
}

deliver::Output* Hub::output_for(const plugin::FifoOutputRequest& request, std::string& why) try {
  // Outside the lock, for the loop takes it too: a file system that stands still must not stop the hub.
  auto output = std::make_unique<deliver::Output>(request, around_outputs());
  warn_of_loop(*output);
  const std::lock_guard lock(made_mutex_);
  for (const auto& made : made_) {
    if (made.path != request.path && made.id != output->id()) continue;
    if (made.resend == request.resend) return made.output.get();  // whose rules of trust stay as the first one had them
    why = "another handler sends to " + request.path + " with a different on_reader_death";
    return nullptr;
  }
  if (output->created()) reporter_.info("created " + request.path);
  made_.push_back({request.path, output->id(), request.resend, std::move(output)});
  return made_.back().output.get();
} catch (const Failure& failure) {
  why = failure.what() + (failure.help().empty() ? "" : " (" + failure.help() + ")");
  return nullptr;
}

// A chain from one source to another may be meant; a circle hardly ever is. Which it is depends on the messages.
void Hub::warn_of_loop(const deliver::Output& output) {
  for (const auto& inlet : inlets_)
    if (inlet->fifo().id() == output.id())
      reporter_.warning("loop", output.path() + " is the FIFO of source " + inlet->name() + ": what is sent there comes in again",
                        "see that no route leads a message back to where it came from: it would go round for ever");
}

void Hub::adopt_outputs() {
  const std::lock_guard lock(made_mutex_);
  for (auto o = outlets_.size(); o < made_.size(); ++o) {
    outlets_.push_back({made_[o].output.get()});
    outlet_of_[made_[o].output.get()] = o;
    made_[o].output->attach(*memory_, link_, static_cast<std::uint32_t>(o));
    ready_outlets_.add(o);
    timers_.set_if_none(key(kVisits), now_ + kVisitEach);
  }
}

void Hub::settled(deliver::Delivery& delivery) {
  dirty_inlets_.add(inlet_of_[&delivery.log()]);
  note_change();
}

void Hub::has_sendings(deliver::Output& output) { ready_outlets_.add(outlet_of_[&output]); }

void Hub::serve(control::Server& server) {
  control_ = &server;
  poller_.add(server.fd(), EPOLLIN, key(kControl));
}

deliver::Account Hub::account() const {
  deliver::Account account;
  const auto* rest = options_.unmatched ? handlers_[*options_.unmatched].get() : nullptr;
  for (const auto& inlet : inlets_) account.sources.push_back({inlet->name(), inlet->books(), rest ? rest->name() : ""});
  for (const auto& handler : handlers_) {
    for (const auto& d : handler->deliveries()) {
      const auto& inlet = *inlets_[inlet_of_.at(&d->log())];
      auto& line = account.lines.emplace_back(deliver::Account::Line{d->source(), handler->name(), d->tally(), d->in_flight()});
      if (handler.get() == rest) line.unmatched = inlet.books().unmatched_taken;
      line.saved = inlet.is_spilled() ? line.in_flight : d->saved();
      account.spilled += line.saved;
    }
  }
  return account;
}

}  // namespace standpipe::worker
