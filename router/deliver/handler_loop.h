// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "deliver/batch.h"
#include "deliver/blame.h"
#include "deliver/call.h"
#include "deliver/call_in_progress.h"
#include "deliver/call_recovery.h"
#include "deliver/culprit.h"
#include "deliver/delivery.h"
#include "deliver/delivery_ring.h"
#include "deliver/handler_needs.h"
#include "deliver/handler_state.h"
#include "deliver/in_hand.h"
#include "deliver/last_flush.h"
#include "deliver/late_settlement.h"
#include "deliver/lifecycle.h"
#include "deliver/making.h"
#include "deliver/next_batch.h"
#include "deliver/options.h"
#include "deliver/output.h"
#include "deliver/plugin_host.h"
#include "deliver/plugin_place.h"
#include "deliver/polling.h"
#include "deliver/run_sender.h"
#include "deliver/settlement.h"
#include "deliver/ticks.h"
#include "deliver/waiting.h"

namespace standpipe::deliver {

// The loop around one handler: take a batch from one of its deliveries, in turn; have the plugin
// handle it; settle by the outcomes; again. One call is in progress at a time, and none for
// messages when the plugin asked that everything goes to one output. A handler that stands still
// (slow, held, disconnected, its output full) holds back only the logs it reads.
//
// Its parts, each of which can be understood alone:
//   Lifecycle     which state it is in, and what the plugin is to be called for next
//   NextBatch     which messages it is given next, and how many; Expiry: or are too old for it
//   CallInProgress  what the loop knows of its call
//   Call          what the next worker must know of it, in the memory that outlives this one
//   PluginPlace   where the call is made: on the loop, in a thread or in a child
//   InHand        whether it is given more, since all that it has may come back
//   RunSender     sends without a call, where the plugin asked that everything goes to one output
//   Settlement    outcomes -> cursors, redelivery, dead letters, entries
//   LateSettlement  the same of messages that the plugin took to settle them later; LastFlush
//   PluginHost    what the plugin may ask
//   Making        what it makes: a handler emits it, a source puts it
//   Polling       when a source is asked for it
// and Blame and CallRecovery, for the call in which an earlier worker died, or a child.
class HandlerLoop {
 public:
  // `id`: its number in the hub, for the keeper's watch. What it needs must outlive it.
  HandlerLoop(const HandlerOptions& options, std::size_t id, const HandlerNeeds& needs);
  ~HandlerLoop();
  HandlerLoop(const HandlerLoop&) = delete;
  HandlerLoop& operator=(const HandlerLoop&) = delete;

  // Makes the plugin's instance. Throws Failure with the plugin's reason.
  void create();
  Delivery& add(std::unique_ptr<Delivery> delivery);
  // Settles the call in which an earlier worker died. All deliveries and outputs of that worker
  // exist again.
  void recover(const Death& death, Nanoseconds now);
  // An earlier worker died while its plugin was in a call, of whatever kind.
  // In the worker itself: a call in a child is no suspect.
  bool was_in_call() const { return call_.is_cut_off() && !call_.is_in_child(); }

  const std::string& name() const { return options_.name; }
  const std::vector<std::unique_ptr<Delivery>>& deliveries() const { return deliveries_.all(); }
  // What it sends to. Not while a call is in progress.
  const std::vector<Output*>& outputs() const { return host_.outputs(); }
  // Writes down which those are, once the loop knows them. What it had before and asks for no more
  // stays in that note, and no messages are given, until the configuration stays and the plugin is
  // open: then those are returned, and end. Commits.
  std::vector<Output*> note_outputs(bool configuration_stays);
  // The output that everything goes to without a call; none: the plugin is called, or is not ready.
  Output* sends_all_to() const;

  // Does one bounded piece of work. true: there is more to do now.
  bool advance(Nanoseconds now);
  // A call that was made in a thread or a child has come back, or the dead letters of one are
  // written, or the child has died, or the plugin has settled messages that it had taken.
  void on_completed(Nanoseconds now);
  std::optional<Nanoseconds> wake_at() const { return waiting_.until; }
  // It did nothing because one of its outputs has no room: let it advance again when outputs have
  // moved on.
  bool waits_for_output() const { return waiting_.for_output; }
  // It did nothing because a message is being tried alone: let it advance again when a call has
  // ended.
  bool waits_for_turn() const { return waiting_.for_turn; }
  void want_reopen() { lifecycle_.want_reopen(); }
  void stays() { lifecycle_.stays(); }

  // ---- stopping
  // Nothing open but what the plugin has taken, which it is asked to flush; nothing behind the
  // cursors. Or held.
  bool drained() const;
  void want_close(Nanoseconds deadline) { lifecycle_.want_close(deadline); }
  bool closed() const { return lifecycle_.closed() && !late_.waits_for_letters(); }
  // Or letters are being written.
  bool in_call() const { return current_.is_open() || late_.waits_for_letters(); }
  bool waits_for_letters() const { return in_call() && !current_.is_with_plugin(); }
  bool tried() const { return lifecycle_.tried(); }  // its first open has come back
  bool ready() const { return lifecycle_.running(); }
  bool held() const { return lifecycle_.held(); }
  // ---- a queue in memory that drops, and is full of what a call has that does not come back
  // From when on what a call has of that delivery may be dropped. nullopt: there is no such call.
  std::optional<Nanoseconds> may_write_off_at(const Delivery& delivery) const;
  // Drops it (queue_full), if its time has come. The call goes on, on memory that stays as it is
  // for so long, and nothing comes of it. true: something was dropped. Commits.
  bool write_off_call(Delivery& delivery, Nanoseconds now);
  // ---- what a person wants of it (worker/handler_commands.h). These commit.
  void pause(const std::string& reason);
  // It is held, and tried again. Throws Failure, and it stays held: its plugin refuses.
  void release();
  // It is held: the next message of that delivery is dead-lettered; false: it is dropped, for none
  // are kept. Throws Failure: there is none, or it cannot be kept.
  bool skip(Delivery& delivery, const std::string& why, Nanoseconds now);
  const HandlerOptions& options() const { return options_; }
  bool departed() const { return options_.departed; }  // the configuration no longer has it; held
  // Nobody will ever deliver what it has: that is dead-lettered from now on, as if a plugin
  // rejected it.
  void give_up() { lifecycle_.give_up(); }
  // It takes nothing: it is held, or disconnected, or what it refuses cannot be kept, or nobody
  // reads one of its FIFOs.
  std::optional<Absence> absence() const;
  // The same, or it is in a call with messages that has not come back for kStuckAfter.
  static constexpr Nanoseconds kStuckAfter = std::chrono::seconds(5);
  bool stands_still(Nanoseconds now) const;
  // Whether it sends there, or did in an earlier worker.
  bool may_send_to(const Output& output) const;
  // Messages that nobody would deliver if it went now: what an output to a FIFO has goes on without
  // it, what one to a file has does not.
  bool has_in_hand() const {
    return (in_call() && !options_.is_source) || !late_.messages().empty() ||
           deliveries_.has_more() || (host_.has_files() && !deliveries_.drained());
  }
  std::string held_for() const { return lifecycle_.held_for(); }
  void detach_call() { place_.executor().detach(); }  // it will not come back
  // The instance is no more, or is not to go on, or the hub ends: what the plugin has said until
  // now is settled, and what it still has is redelivered, or saved. If letters are being written,
  // `advance` comes back to it. Commits.
  void return_taken(Nanoseconds now);
  void note_stopping();
  // A source whose plugin waits for something to come: it is to return. Any call of `advance` that
  // finds news for it does so, too.
  void end_poll() {
    if (polling_ && current_.is_open(CallKind::poll)) polling_->end();
  }

  // ---- being asked
  HandlerState state(Nanoseconds now) const;
  // Reports now and then that a call has not returned for long. The loop samples every few seconds
  // while calls are in progress.
  void remind_of_call(Nanoseconds now);
  void report_left_out_lines(Nanoseconds now) { host_.report_left_out(now); }

 private:
  std::vector<Output*> noted_outputs() const;
  CallRecovery::Parts recovery_parts();
  void on_death(Nanoseconds now);
  bool settle_death(const Death& death, Nanoseconds now);
  void end_written_off(Nanoseconds now);
  bool end_write_off();
  bool advance_calls(Nanoseconds now);
  bool give_messages(Nanoseconds now);
  bool give_batch(Nanoseconds now);
  bool poll(Nanoseconds now);
  void end_making(CallKind kind, Nanoseconds now);
  bool has_news_of_safety() const { return polling_ && polling_->has_news(); }
  bool prepare_making(Nanoseconds now);
  bool send_run(Nanoseconds now);
  bool outputs_accept() const;
  bool files_are_well(Nanoseconds now);
  bool wait_for_output();
  bool settle_late(Nanoseconds now);
  bool admitted(bool alone);
  bool make(CallKind kind, const CallTerms& terms = {});
  void call(CallKind kind, const CallTerms& terms = {});
  CallTerms terms_of(CallKind kind, CallTerms terms);
  bool expire(Nanoseconds now);
  void answer_expired(std::uint32_t count);
  bool begin_letters(Nanoseconds now);
  const plugin::Answer& answer() const {
    return current_.own_answer() ? *current_.own_answer() : place_.executor().answer();
  }
  void end_calls(Nanoseconds now);
  void came_back(Ending ending, Nanoseconds now);
  void end_other_call(bool was_made, Nanoseconds now);
  void end_call(bool was_made);
  void settle(Nanoseconds now);
  void settled(bool was_made, Nanoseconds now);
  bool has_settled_some() const;
  Batch& batch() { return next_.batch(); }
  void make_instance();
  void make_instance_in_turn();

  HandlerOptions options_;
  HandlerNeeds needs_;
  DeliveryRing deliveries_;
  Call call_;
  Blame blame_;
  Lifecycle lifecycle_;
  PluginHost host_;
  LateSettlement late_;
  Settlement settlement_;
  InHand in_hand_;
  RunSender run_sender_;
  NextBatch next_;
  CallInProgress current_;
  LastFlush last_flush_;
  Ticks ticks_;  // when it wants to be called by the clock, if it does at all

  // What it makes; nullptr: that goes nowhere.
  std::unique_ptr<Making> making_;
  std::unique_ptr<Polling> polling_;  // of a source

  Waiting waiting_;           // what `advance` said last
  bool is_unproven_ = false;  // what the plugin sent to a file may fail yet

  PluginPlace place_;  // last: a thread of its ends before what it uses
};

}  // namespace standpipe::deliver
