// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/in_order.h"
#include "base/reminder.h"
#include "base/throttle.h"
#include "deliver/batch.h"
#include "deliver/culprit.h"
#include "deliver/delivery.h"
#include "deliver/handler_state.h"
#include "deliver/handler_thread.h"
#include "deliver/options.h"
#include "deliver/output.h"
#include "deliver/streak.h"
#include "deliver/surroundings.h"
#include "plugin/handler.h"

namespace standpipe::deliver {

// The loop around one handler: take a batch from one of its deliveries, in turn; let the plugin handle it where it is placed;
// settle by the outcomes; again. Placement is not another mechanism: the same steps, with the call made here or in a thread.
//
// One call at a time, and none for messages when the plugin asked that everything goes to one output. A handler that stands still
// (slow, held, disconnected, its output full) holds back only the logs it reads from.
//
//   opening -> ready <-> (a call in progress) -> closed
//      ^________| disconnected      held: answered fatal, until a person acts
// Its calls are recorded in the memory that outlives the worker: which messages are with the plugin, and what it has answered so
// far. `take_up` makes of that what the next worker has to do: settle what was answered, and find out which message killed the last
// one.
class HandlerLoop final : public plugin::HostServices {
 public:
  // `id`: its number in the hub, for the keeper's watch.
  HandlerLoop(const HandlerOptions& options, std::size_t id, Surroundings& around);
  ~HandlerLoop() override;

  // Makes the plugin's instance. Throws Failure with the plugin's reason.
  void create();
  Delivery& add(std::unique_ptr<Delivery> delivery);
  // Settles the call that was in progress when an earlier worker died. All deliveries and outputs of that worker are there again.
  void take_up(const Death& death, Nanoseconds now);
  // An earlier worker died while its plugin was in a call, of whatever kind.
  bool was_in_call() const { return kept_->call != Call::none && !flight_.returned; }

  const std::string& name() const { return options_.name; }
  const std::vector<std::unique_ptr<Delivery>>& deliveries() const { return deliveries_; }
  // What it sends to. Not while a call is in progress.
  const std::vector<Output*>& outputs() const { return outputs_; }

  // Where everything goes without being looked at; none: the plugin is asked, or is not ready.
  Output* sends_all_to() const { return !busy_ && state_ == State::ready && all_to_ ? outputs_[all_to_ - 1] : nullptr; }

  // Does one bounded piece of work. true: there is more to do now.
  bool step(Nanoseconds now);
  // A call that was made in the thread has come back.
  void on_completed(Nanoseconds now);
  std::optional<Nanoseconds> wake_at() const { return wake_at_; }
  // The last step did nothing because an output of its has no room for more: step again when outputs have moved on.
  bool waits_for_output() const { return waits_for_output_; }
  // The last step did nothing because a message is being tried alone: step again when a call has ended.
  bool waits_for_turn() const { return waits_for_turn_; }
  void want_reopen() { reopen_wanted_ = true; }

  // ---- stopping
  bool drained() const;                   // nothing open, nothing behind the cursors; or held
  void want_close(Nanoseconds deadline);  // flush and close once no call is in progress
  bool closed() const { return state_ == State::closed; }
  bool in_call() const { return busy_; }
  bool tried() const { return tried_; }  // its first open has come back
  bool ready() const { return state_ == State::ready; }
  bool held() const { return state_ == State::held; }
  std::string held_for() const;  // the reason, cut to what the memory keeps of it; empty: not held
  void abandon();                // the call will not come back

  // ---- being asked
  HandlerState state(Nanoseconds now) const;
  // Says that a call has not come back for long, now and then. The loop looks each few seconds while calls are in progress.
  void remind_of_call(Nanoseconds now);

  // ---- HostServices: any thread
  void log(std::uint32_t level, std::string_view text) override;
  std::uint64_t now() override;
  bool stopping() override;
  std::uint32_t add_fifo(const plugin::FifoOutputRequest& request, std::string& why) override;
  bool send_all(std::uint32_t output) override;

 private:
  enum class State { opening, ready, held, closed };
  enum class Call : std::uint32_t { none, create, open, handle, reopen, disconnect, close };
  // What the plugin is at in a call, for people, and to know whether it is the same one that it dies in again.
  enum class Phase : std::uint32_t { none, create, open, handle, flush, close, reopen };
  static constexpr std::size_t kPhases = 7;
  // What outlives the worker. Noted.
  struct Record {
    Call call;               // in progress
    std::uint32_t delivery;  // of a call of handle: its id, and the messages
    Again messages;
    std::uint32_t outputs;  // what it sends to: by the plugin's number, from 1
    std::uint32_t output[kOutputsMax];
    Streak streak;                     // deaths that say nothing
    std::uint16_t deaths_in[kPhases];  // of workers, by this plugin for certain, since it came back from that the last time
    std::uint16_t alone_in;            // what it is to be called for with nobody else in a call; for messages: Again::suspect
    std::uint32_t aside_in_a_row;      // messages that were put aside since the last one that was not
    std::uint32_t held;                // a person must act
  };
  // The same, written in the plugin's place. Plain.
  struct Flight {
    std::uint32_t code;
    std::uint32_t returned;
    Phase phase;
    standpipe_result result;
    std::uint8_t outcomes[kBatchMessages];
  };

  void call(Call what);
  void record_call(Call what);
  void end_call();
  void enter(Phase phase) { store_in_order(flight_.phase, phase); }
  void forgive(Call returned);
  bool is_to_be_alone(Call what) const;
  void fit_batches(Nanoseconds took);
  void perform();
  void settle_open(Nanoseconds now);
  void settle_handle(Nanoseconds now);
  void settle_outcomes(Nanoseconds now);
  Phase phase_of_death() const;
  void take_up_handle(const Death& death, Nanoseconds now);
  void take_up_other(const Death& death);
  void begin_streaks_anew(const Death& death);
  void say_death(const Death& death, Verdict verdict, const std::string& where, const std::string& what);
  void settle_dead(const Death& death, Nanoseconds now);
  void suspect(std::uint32_t first, std::uint32_t last, const Death& death, Nanoseconds now);
  void put_aside(const Death& death, std::uint16_t deaths, Nanoseconds now);
  void settle_reopen(Nanoseconds now);

  bool take_batch(Nanoseconds now);
  bool admitted(bool alone);
  bool make(Call what);
  std::uint8_t outcome(std::uint32_t i) const { return flight_.outcomes[i]; }
  bool has_more() const;
  bool send_run(Nanoseconds now);
  bool send_again(Delivery& delivery, Nanoseconds now);
  bool send_next(Delivery& delivery);
  void send(std::uint32_t to, Delivery& delivery, const Range& range, std::uint64_t bytes);
  void connected();
  bool outputs_accept() const;
  bool may_all_come_back() const;
  void book(std::uint8_t outcome, std::uint32_t first, std::uint32_t last, Nanoseconds now);
  void book_retry(std::uint32_t first, std::uint32_t last, Nanoseconds now);
  void give_up(std::uint32_t first, std::uint32_t last, Reason reason, Nanoseconds now);
  bool is_exhausted() const;
  std::string reason_for(std::uint32_t last) const;
  void write_letters(std::uint32_t at, Nanoseconds now);
  std::optional<Reason> given_up_for(std::uint8_t outcome) const;
  DeadLetter letter_of_message(std::uint32_t i, Reason reason, std::string_view detail, std::uint32_t attempts);
  void say_given_up(std::uint32_t first, std::uint32_t last, Reason reason, bool kept, Nanoseconds now);
  void leave_unlooked(std::uint32_t first, Nanoseconds now);
  void drop_connection(Nanoseconds now, const std::string& reason);
  void hold(const std::string& reason);
  void hold_at_once(const std::string& reason);
  void wake_by(Nanoseconds when);
  Nanoseconds backoff(std::uint32_t tries) const;

  HandlerOptions options_;
  std::size_t id_;
  Surroundings& around_;
  log::Kept<Record> kept_;
  struct HeldReason {
    std::uint32_t length;
    char text[508];
  };
  log::Kept<HeldReason> held_reason_;
  Flight& flight_;
  plugin::Handler handler_;
  std::vector<std::unique_ptr<Delivery>> deliveries_;
  std::size_t turn_ = 0;
  std::vector<Output*> outputs_;  // numbered from 1 for the plugin
  std::uint32_t all_to_ = 0;      // the output that everything goes to; 0: the plugin is asked

  State state_ = State::opening;
  bool busy_ = false;
  Call call_ = Call::open;
  Batch batch_;
  plugin::Answer answer_;
  std::uint32_t batch_max_ = kBatchMessages;
  Nanoseconds called_{0};
  bool tried_ = false;
  bool reopen_wanted_ = false;
  bool waits_for_output_ = false;
  bool waits_for_turn_ = false;
  std::atomic<bool> in_open_{false};
  std::optional<Nanoseconds> close_by_;
  std::optional<Nanoseconds> wake_at_;
  Nanoseconds open_due_{0};
  std::uint32_t open_tries_ = 0;
  Throttle trouble_, connection_trouble_;
  std::string open_reason_, retry_reason_;
  Reminder retry_reminder_, letters_reminder_, call_reminder_;
  std::optional<Failure> letters_failed_;  // those of the batch that is settled could not be kept
  bool disconnect_said_ = false;
  bool disconnect_due_ = false;            // its connection is lost, and it was not closed yet
  std::uint32_t reason_of_ = 0;            // the batch's reason is that of the message before this one
  std::unique_ptr<HandlerThread> thread_;  // empty: calls are made on the loop. Last, so that it ends before what it uses
};

}  // namespace standpipe::deliver
