// SPDX-License-Identifier: Apache-2.0
#include "worker/hub.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "base/failure.h"
#include "worker/event_key.h"
#include "worker/handler_commands.h"
#include "worker/letter_commands.h"

namespace standpipe::worker {
namespace {

using namespace std::chrono_literals;

}  // namespace

std::vector<std::string> Hub::start(Nanoseconds most) {
  data_.begin_checkpoints(checkpoint());
  fifos_.begin_patrol();
  const auto until = clock_.steady() + most;
  loop_.set_timer(key(kDeadline), until);
  while (!shutdown_.has_ended() && loop_.now() < until && !handlers_.all_tried()) round();
  if (!shutdown_.has_begun()) loop_.set_timer(key(kDeadline), std::nullopt);
  return handlers_.not_ready();
}

std::vector<Hub::NotReady> Hub::not_ready() const {
  std::vector<NotReady> all;
  for (const auto& handler : handlers_.all())
    if (!handler->ready() && !handler->departed())
      all.push_back({handler->name(), handler->state(loop_.now())});
  return all;
}

void Hub::run() {
  while (!shutdown_.has_ended() && !succession_.is_over()) round();
}

void Hub::round() {
  link_.pulse().rounds.fetch_add(1, std::memory_order_relaxed);
  // Noticed while something was said to it, perhaps before the loop began.
  if (link_.is_lost() && !shutdown_.has_begun()) lose_keeper();
  wait();     // what has happened: FIFOs, readers, threads, requests, timers
  accept();   // FIFOs -> logs: whole frames, each matched once
  queue();    // logs -> disk, and from there to logs of queues
  deliver();  // logs -> handlers, and settle what they answered
  pump();     // what handlers sent -> FIFOs, and what readers took
  trim();     // memory of what everybody has passed goes back
  if (shutdown_.has_begun()) stop_round();
  if (succession_.is_under_way()) succession_round();
  check();
}

// ---- wait

void Hub::wait() {
  loop_.wait(
      has_work(), [this](std::uint64_t k, std::uint32_t events) { on_event(k, events); },
      [this](std::uint64_t k) { on_timer(k); });
}

void Hub::on_event(std::uint64_t k, std::uint32_t events) {
  switch (kind_of(k)) {
    case kInlet:
      sources_[index_in(k)].inlet->on_event(events);
      return sources_.ready().add(index_in(k));
    case kOutlet:
      return outputs_.on_event(index_in(k), events);
    case kCompletion:
      return on_completions();
    case kKeeper:
      return on_keeper();
    case kControl:
      return control_.on_event();
    case kReload:
      return reloading_->on_event();
    default:
      return;
  }
}

void Hub::on_timer(std::uint64_t k) {
  switch (kind_of(k)) {
    case kInlet:
      return sources_.ready().add(index_in(k));
    case kHandler:
      return handlers_.wake(index_in(k));
    case kOutlet:
      return outputs_.want_turn(index_in(k));
    case kDribble:
      return full_logs_.end_dribbles();
    case kCalls:
      return handlers_.sample_calls();
    case kOverflow:
      return full_logs_.overflow(index_in(k));
    case kQueue:
      return disk_queues_.want(index_in(k));
    case kReplay:
      return replays_.want();
    case kReminder:
      return remind(index_in(k));
    case kCheckpoint:
      return write_checkpoint();
    case kFifos:
      return patrol();
    case kReload:
      return reloading_->on_timer();
    case kVisits:
      return visit_outputs();
    default:
      return;  // the deadline: it only had to end the wait
  }
}

void Hub::visit_outputs() {
  if (shutdown_.has_begun()) return;
  handlers_.close_ended_outputs();
  outputs_.visit();
}

void Hub::on_keeper() {
  const auto event = link_.on_readable();
  const auto asked = link_.asked();
  if (only_saves_) return;
  on_asked(asked);
  if (event == keeper::Link::Event::lost) lose_keeper();
}

void Hub::lose_keeper() {
  reporter_.error("keeper",
                  "the keeper is dead, so nobody would replace this worker if it died: it ends");
  if (!shutdown_.has_begun()) begin_stop();
  shutdown_.hurry(loop_.now());
}

void Hub::on_asked(const keeper::Link::Asked& asked) {
  if (asked.reload && reloading_) reloading_->want();
  if (asked.reopen) handlers_.want_reopen();
  if (succession_.is_closing() || succession_.is_over())
    return;  // the next worker is asked for a stop again
  for (auto stops = asked.stops; stops > 0; --stops) {
    if (!shutdown_.has_begun()) {
      begin_stop();
      continue;
    }
    reporter_.info("asked to stop a second time: the hub stops waiting");
    shutdown_.hurry(loop_.now());
  }
}

void Hub::patrol() {
  if (shutdown_.has_begun()) return;
  fifos_.patrol([this] {
    data_.check(link_);
    control_.restore_file();
    for (const auto& handler : handlers_.all()) handler->report_left_out_lines(loop_.now());
  });
}

std::optional<std::string> Hub::answer(std::string_view request) {
  if (HandlerCommands::changes_something(request) || LetterCommands::begins_replay(request)) {
    if (shutdown_.has_begun()) throw Failure("the hub is stopping");
    if (is_trial_ || succession_.is_under_way())
      throw Failure("the hub takes up another configuration just now; try again in a moment");
  }
  if (auto said = LetterCommands(data_, replays_).answer(request)) return said;
  auto said = HandlerCommands(handlers_, clock_).answer(request);
  if (said) disk_queues_.want_all();
  return said;
}

void Hub::serve(control::Server& server) {
  control_.serve(server);
  loop_.watch(server.fd(), EPOLLIN, key(kControl));
}

// ---- accept

void Hub::accept() {
  if (is_trial_ || succession_.is_quiet()) return read_leaving();
  for (const auto i : sources_.ready().round())
    if (may_read(i) && is_within_rate(i) && relays_.prepare_turn(i, shutdown_.has_begun()))
      after_turn(i, run_turn(i));
}

// What an earlier run left of a source that is to go comes first, though its handlers go, too.
bool Hub::may_read(std::size_t i) const {
  return succession_.may_read(i) ||
         (succession_.leaving().sources.contains(i) && sources_[i].inlet->has_unfed());
}

// What is over it waits in the FIFO; but a hub that stops takes what is there.
bool Hub::is_within_rate(std::size_t i) {
  auto& source = sources_[i];
  if (!source.rate.limits() || source.inlet->made()) return true;
  if (shutdown_.has_begun()) {
    source.inlet->read_at_most(SIZE_MAX);
    return true;
  }
  const auto until = source.rate.wait_until(loop_.now());
  const auto& counters = source.inlet->counters();
  source.inlet->read_at_most(source.rate.most(counters.accepted, counters.bytes));
  if (!until) return true;
  source.watch.stop_polling();
  loop_.set_timer(key(kInlet, i), until);
  return false;
}

// The others stay ready.
void Hub::read_leaving() {
  const auto leaving = succession_.to_read();
  for (const auto i : leaving) {
    if (!succession_.may_read(i)) continue;
    if (sources_[i].inlet->has_unfed()) {  // so it stays
      succession_.has_read(i);
      continue;
    }
    const auto turn = run_turn(i);
    after_turn(i, turn);
    if (turn != Inlet::Turn::more) succession_.has_read(i);
  }
}

// An unexpected error of the kernel is not final: the source is tried again, and the rest of the
// hub continues.
Inlet::Turn Hub::run_turn(std::size_t i) try {
  auto& source = sources_[i];
  const auto before = source.inlet->counters().accepted;
  const auto turn = source.inlet->accept();
  if (!source.inlet->made()) source.rate.took(source.inlet->counters().accepted - before);
  if (turn == Inlet::Turn::full)
    source.watch.stop_polling();
  else
    source.watch.after_turn(turn == Inlet::Turn::idle, source.inlet->counters().accepted);
  return turn;
} catch (const Failure& failure) {
  reporter_.error("source", sources_[i].inlet->name() + ": " + failure.what(), failure.help());
  loop_.set_timer(key(kInlet, i), loop_.now() + 1s);
  return Inlet::Turn::idle;
}

void Hub::after_turn(std::size_t i, Inlet::Turn turn) {
  auto& source = sources_[i];
  auto& inlet = *source.inlet;
  if (inlet.wants_fifo() && !shutdown_.has_begun() && !source.is_departed) fifos_.reopen(i);
  source.is_full = turn == Inlet::Turn::full;
  source.is_blocked = source.is_full && inlet.is_blocked();
  full_logs_.after_turn(i);
  if (turn == Inlet::Turn::more) sources_.ready().add(i);
  if (inlet.is_discarding()) loop_.set_timer(key(kReminder, i), inlet.reminder_due());
  const auto& news = sources_.collect_news(i);
  for (const auto bit : news) handlers_.wake(inlet.matcher().handlers()[bit]);
  if (!news.empty()) data_.checkpoint_timer().note_change();
  sources_.dirty().add(i);
  disk_queues_.want(i);
  if (source.is_ending && !source.is_full && !shutdown_.has_begun()) end_source(i);
}

void Hub::remind(std::size_t i) {
  auto& inlet = *sources_[i].inlet;
  inlet.remind();
  loop_.set_timer(key(kReminder, i), inlet.reminder_due());
}

// ---- queue

// Until handlers are closed.
void Hub::queue() {
  if (is_trial_ || succession_.state() == Succession::State::closing) return;
  disk_queues_.round(!shutdown_.is_closing());
  if (replays_.has_work()) replays_.round(!shutdown_.has_begun() && !succession_.is_under_way());
}

// ---- deliver

void Hub::deliver() {
  if (succession_.state() == Succession::State::quieting) return;
  for (const auto h : handlers_.ready()) {
    handlers_.advance(h);
    if (handlers_[h].held()) full_logs_.overflow_beside(handlers_[h]);
  }
}

void Hub::on_completions() {
  disk_queues_.want_all();
  replays_.want();
  for (auto* handler : handlers_.take_completed()) {
    handlers_.complete(*handler);
    if (handler->held()) full_logs_.overflow_beside(*handler);
  }
}

void Hub::settled(deliver::Delivery& delivery) {
  const auto source = sources_.number_of(delivery.log());
  sources_.dirty().add(source);
  disk_queues_.want(source);
  if (delivery.is_replay()) replays_.want();
  data_.checkpoint_timer().note_change();
}

// ---- pump, trim

void Hub::pump() {
  if (outputs_.pump()) handlers_.unblock();
  relays_.end_holds();
}

void Hub::trim() {
  for (const auto stuck : sources_.trim()) full_logs_.after_trim(stuck);
  sources_.retry_for_memory(foundation_.arena().releases());
}

// ---- what it says of itself

// The account must close at every round; where that would cost too much, now and then.
void Hub::check() {
#ifdef NDEBUG
  if (loop_.now() - checked_ < 10s) return;
#endif
  checked_ = loop_.now();
  for (const auto& source : sources_) source.inlet->check_invariants();
  for (const auto* delivery : deliveries_.all()) delivery->check_invariants();
  disk_queues_.check_invariants();
  replays_.check_invariants();
}

void Hub::write_checkpoint() {
  data_.write_checkpoint(checkpoint());
  write_resumes(false);
}

// Each source plugin goes on after what is settled; and at the end, where all that it put was
// saved, after that.
void Hub::write_resumes(bool is_end) {
  ResumeNotes::Places resumes;
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    const auto& source = sources_[i];
    const auto& inlet = *source.inlet;
    if (!inlet.made() || !inlet.made()->is_source()) continue;
    const auto& deliveries = inlet.deliveries();
    const bool is_saved =
        is_end && std::all_of(deliveries.begin(), deliveries.end(), [&](const auto* d) {
          return inlet.is_spilled() || d->in_flight() == d->saved();
        });
    resumes[{inlet.name(), plugin_of(options_.sources[i])}] =
        is_saved && !source.has_dropped ? inlet.made()->resume() : inlet.made()->settled_resume();
  }
  if (!resumes.empty()) data_.write_resumes(resumes, is_end);
}

Checkpoint Hub::checkpoint() const {
  Checkpoint point{
      .began = began(), .pid = link_.kept() ? link_.keeper_pid() : ::getpid(), .at = clock_.wall()};
  for (const auto& source : sources_) {
    point.sources.push_back({source.inlet->name(), source.inlet->counters().accepted});
    point.waiting_bytes += source.inlet->log().memory();
  }
  point.in_flight = HubAccount(sources_, handlers_, disk_queues_).in_memory();
  return point;
}

std::vector<Hub::Orphan> Hub::orphans() const {
  return HubAccount(sources_, handlers_, disk_queues_).orphans();
}

deliver::Account Hub::account(InFlight how) const {
  const auto* unmatched = options_.unmatched ? &handlers_[*options_.unmatched] : nullptr;
  auto account = HubAccount(sources_, handlers_, disk_queues_)
                     .account(how, {clock_.wall(), unmatched, shutdown_.has_ended()});
  account.removed_letters = data_.removed_letters();
  return account;
}

}  // namespace standpipe::worker
