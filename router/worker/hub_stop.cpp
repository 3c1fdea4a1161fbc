// SPDX-License-Identifier: Apache-2.0
// Hub: how it ends. The states are those of shutdown.h.
#include <algorithm>

#include "base/text.h"
#include "worker/event_key.h"
#include "worker/hub.h"

namespace standpipe::worker {

// running -> draining
void Hub::begin_stop() {
  if (succession_.is_under_way())
    stay("the hub is stopping");
  else if (is_trial_ && reloading_)
    reloading_->stays("the hub is stopping");
  if (std::exchange(is_trial_, false)) handlers_.note_outputs_for_good();
  shutdown_.begin(clock_.steady() + options_.drain_timeout);
  handlers_.note_stopping();
  loop_.set_timer(key(kDeadline), shutdown_.deadline());
  reporter_.info("stopping: what was written until now is delivered, for at most " +
                 duration_text(options_.drain_timeout));
  fifos_.gates().close();
  stop_save_.reserve_spill_room();
  for (auto& source : sources_) {
    source.inlet->begin_stop();
    if (feeds_itself(*source.inlet)) source.inlet->read_on();
  }
  sources_.want_turns();
  disk_queues_.want_all();
  replays_.begin_stop();
}

void Hub::stop_round() {
  if (!shutdown_.is_closing() && (shutdown_.is_overdue(loop_.now()) || all_drained()))
    begin_close();
  if (!shutdown_.is_closing() || (!all_closed() && !shutdown_.is_overdue(loop_.now()))) return;
  handlers_.detach_calls();
  outputs_.stop();
  save_rest();
  shutdown_.end();
}

bool Hub::all_drained() {
  const bool accepted = std::all_of(sources_.begin(), sources_.end(),
                                    [](const auto& source) { return source.inlet->stopped(); });
  const auto left = left_to_queues();
  // Only handlers that are left send there.
  const auto is_left = [&](const deliver::Output& output) {
    return !left.empty() && std::ranges::none_of(handlers_.all(), [&](const auto& handler) {
      return handler->may_send_to(output) && std::ranges::find(left, handler.get()) == left.end();
    });
  };
  return accepted && outputs_.drain(is_left) && handlers_.all_drained(left) &&
         disk_queues_.all_drained(left) && !goes_round();
}

bool Hub::all_closed() const {
  return handlers_.all_closed(left_to_queues()) && outputs_.all_moved();
}

// Handlers that take nothing now, and whose messages are on the disk: waiting for them would save
// nothing. One that is there may use the time to take what it can.
HandlerTable::Left Hub::left_to_queues() const {
  HandlerTable::Left left;
  for (const auto& handler : handlers_.all())
    if (handler->stands_still(loop_.now()) && disk_queues_.have_all_of(*handler))
      left.push_back(handler.get());
  return left;
}

// A hub that writes to its own sources has more to deliver as long as something comes back. (What
// goes in a circle ends with drain_timeout.)
bool Hub::goes_round() const {
  return std::any_of(sources_.begin(), sources_.end(), [&](const auto& source) {
    return source.inlet->waiting() > 0 && feeds_itself(*source.inlet);
  });
}

bool Hub::feeds_itself(const Inlet& inlet) const {
  return inlet.has_fifo() && outputs_.has(inlet.fifo().id());
}

// draining -> closing: handlers flush and close.
void Hub::begin_close() {
  end_flow();
  handlers_.want_close(shutdown_.deadline());
}

// No further message is started: handlers flush and close, and outputs finish the message they are
// in, within a second.
void Hub::end_flow() {
  shutdown_.close(loop_.now());
  loop_.set_timer(key(kDeadline), shutdown_.deadline());
  outputs_.finish_frames();
  for (auto& source : sources_) {
    source.inlet->cut_feed();
    source.inlet->read_on();
  }
  sources_.want_turns();
}

// -> saving: whatever is left now will not be delivered by this run. The order is what a kill at
// any of these lines asks for: a worker that follows finds that all is at rest, and saves what is
// not saved yet.
void Hub::save_rest() {
  shutdown_.save();
  link_.saving();
  foundation_.begin_saving();
  fifos_.gates().accept_last(foundation_.arena(), foundation_.run());
  disk_queues_.finish();
  replays_.finish();
  stop_save_.save();
  write_resumes(true);
  foundation_.memory().commit();
  fifos_.gates().leave_notes();
  fifos_.gates().report_lost();
  data_.end_checkpoints();
  // Not before: a plugin that ends the process while something is left must not look like our own
  // end.
  link_.stopping();
}

// The last thing that a keeper wants of a worker when it gives up, or is stopped while it has no
// worker.
void Hub::save() {
  loop_.read_clock();
  shutdown_.begin(loop_.now());
  if (!foundation_.is_saving()) {
    for (auto& source : sources_) source.inlet->begin_stop();
    end_flow();
    while (!outputs_.all_moved() && !shutdown_.is_overdue(loop_.now())) {
      wait();
      pump();
    }
    outputs_.stop();
  }
  save_rest();
  shutdown_.end();
}

}  // namespace standpipe::worker
