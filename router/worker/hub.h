// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/hub.h"
#include "deliver/account.h"
#include "deliver/handler_loop.h"
#include "deliver/output.h"
#include "deliver/spill_room.h"
#include "deliver/surroundings.h"
#include "keeper/link.h"
#include "log/arena.h"

#include "worker/data.h"
#include "worker/inlet.h"
#include "worker/overflow.h"
#include "worker/pipe_budget.h"
#include "worker/poller.h"
#include "worker/stop_notes.h"
#include "worker/timers.h"

namespace standpipe::control {
class Server;
}

namespace standpipe::worker {

// The hub at work: one thread that brings messages from FIFOs into logs, hands them to handlers, moves what is to be sent, and
// gives memory back. Plugins that may block have threads of their own; those touch only what they were lent.
//
// What it knows lies in a memory that outlives it, and what it has open is kept by the keeper: the next worker goes on where this
// one died, whichever instruction that was (log/memory.h).
//
// Everything it needs is made by the constructor, which throws Failure (after telling the reporter each fault) when something
// cannot be had; run returns when a signal has stopped it and all is drained, or the drain timeout is over.
class Hub final : public deliver::Surroundings {
 public:
  // Throws log::Memory::Damaged when what an earlier worker left does not hold together.
  // `saves`: it is to save what waits and to end, nothing else; no plugin is asked anything.
  Hub(const config::Hub& options, const Clock& clock, Reporter& reporter, keeper::Link& link, bool saves = false);
  ~Hub() override;

  // Works until each handler has tried to open once (its FIFOs are made then), or for `most`. Returns the names of those that are
  // not ready; they are tried on, or held, and the reporter was told why.
  std::vector<std::string> start(Nanoseconds most);
  void run();
  // Whether there is only that left to do: it was asked for, or an earlier worker died while it was doing it. Then instead of start
  // and run:
  bool saves() const { return saves_; }
  void save();
  deliver::Account account() const;
  Nanoseconds began() const { return Nanoseconds(run_->began_ns); }  // wall clock, when the first worker did
  std::uint64_t deaths() const { return memory_->shared().deaths; }  // of workers before this one
  const std::vector<std::unique_ptr<deliver::HandlerLoop>>& handlers() const { return handlers_; }
  const std::vector<std::unique_ptr<Inlet>>& inlets() const { return inlets_; }
  // Sources whose bytes may go on by reference, and those that could if it were not for `refused`.
  struct RelayState {
    std::string source, output;
    std::uint64_t bytes;
    std::optional<std::string> refused;
  };
  std::vector<RelayState> relays() const;
  // What held handlers hold back on the disk, by source; those without are left out.
  struct OverflowState {
    std::string source;
    Overflow::State state;
  };
  std::vector<OverflowState> overflows() const;
  // From now on those who ask there are answered, from the loop.
  void serve(control::Server& server);
  // A plugin did not come back: the process must end by std::_Exit, without tearing down what the plugin still uses.
  bool abandoned() const { return abandoned_; }

  // ---- Surroundings
  const Clock& clock() const override { return clock_; }
  Reporter& reporter() override { return reporter_; }
  bool stopping() const override { return stopping_; }
  void completed(deliver::HandlerLoop& handler) override;
  deliver::Output* output_for(const plugin::FifoOutputRequest& request, std::string& why) override;
  log::Memory& memory() override { return *memory_; }
  deliver::Delivery& delivery_with(std::uint32_t id) override;
  deliver::Output& output(std::uint32_t index) override;
  bool admit(deliver::HandlerLoop& handler, bool alone) override;
  void release() override;
  std::optional<Failure> put_aside(std::span<const deliver::DeadLetter> letters) override;
  bool keeps_dead_letters() const override { return data_.works(); }
  void settled(deliver::Delivery& delivery) override;
  void has_sendings(deliver::Output& output) override;

 private:
  // An output as the loop sees it.
  struct Outlet {
    deliver::Output* output;
    unsigned watched = 0;  // the opening that epoll knows
    Nanoseconds visit_at{0};
  };
  // An output as its makers see it: they come from plugins' threads, and do not look into what the loop changes.
  struct MadeOutput {
    std::string path;
    FileId id;  // when it was made
    bool resend;
    std::unique_ptr<deliver::Output> output;
  };

  static constexpr Nanoseconds kVisitEach = std::chrono::seconds(1);  // outputs; each of them more seldom, one timer for all

  // ---- the loop's steps
  void step();
  void wait();
  void accept();
  void deliver();
  void pump();
  void trim();
  void check();

  std::unique_ptr<log::Memory> take_memory();
  std::uint64_t begin_run();
  Pipe take_stage();
  void take_up();
  deliver::Death death() const;
  void look_at_calls();
  deliver::CrashNote& crash_note() const;
  void take_up_outputs();
  deliver::Output::Around around_outputs();
  const deliver::HandlerLoop& handler_of(const deliver::Delivery& delivery) const;
  void on_keeper();
  void open_sources();
  void make_handlers();
  void create_handlers();
  void connect();
  void connect_relays();
  void claim(const source::FifoSource& fifo) const;
  void tell_difference(const Inlet& inlet);
  void look_for_fifos();
  void visit_outputs();
  void look_for_control();
  void reopen_source(std::size_t inlet);
  deliver::Output* relays_to(std::size_t inlet) const;
  bool holds_back(std::size_t inlet, const deliver::Output* output);
  void end_holds();
  void find_spills();
  void serve_spills(std::size_t inlet, std::vector<std::string> handlers, bool goes_on);
  void make_room(std::size_t inlet);
  void make_room_beside(const deliver::HandlerLoop& held);
  void overflow(std::size_t inlet);
  void end_overflow(const Inlet& inlet);
  std::vector<Overflow::Held> held_of(std::size_t inlet, log::Cursor& until);
  void on_event(std::uint64_t key, std::uint32_t events);
  void on_asked(const keeper::Link::Asked& asked);
  void reopen_files();
  void on_completions();
  void on_timer(std::uint64_t key);
  void after_step(std::size_t handler);
  void after_pump(std::size_t outlet);
  void adopt_outputs();
  void warn_of_loop(const deliver::Output& output);
  void wait_for_room(std::size_t inlet);
  void unblock_handlers();
  Inlet::Turn accept_from(Inlet& inlet, std::size_t index);
  bool watch(std::size_t inlet);
  void moderate(std::size_t inlet, Inlet::Turn turn);
  void end_moderation(std::size_t inlet);
  void end_dribbles();
  void remind(std::size_t inlet);

  void begin_stop();
  void stop_step();
  void close_sources();
  void open_closed_sources();
  void resume_sources();
  bool goes_round() const;
  bool fed_by_ourselves(const Inlet& inlet) const;
  void take_last();
  void leave_notes();
  void take_room();
  bool all_drained();
  void begin_close();
  bool all_closed() const;
  bool all_moved() const;
  void end_flow();
  void keep_rest();
  bool spill(Inlet& inlet);
  void drop(const Inlet& inlet);
  bool finished() const { return finished_; }
  bool busy() const;
  Checkpoint checkpoint() const;
  void keep_checkpoint();
  void note_change();

  config::Hub options_;
  const Clock& clock_;
  Reporter& reporter_;
  keeper::Link& link_;
  std::vector<match::Matcher> matchers_;  // until the inlets have them
  Poller poller_;
  Fd wake_;  // eventfd: a call in a thread has come back
  Fd dev_null_;
  PipeBudget budget_;
  std::unique_ptr<log::Memory> memory_;
  Pipe stage_;
  log::Arena arena_;
  // What this run is, over all its workers.
  struct Run {
    std::uint64_t id;
    std::int64_t began_ns;
    std::uint64_t saving;  // all is at rest, and what is left goes to the disk: nothing else may happen any more
  };
  log::Kept<Run> run_;
  Data data_;

  // What plugins' threads come to; declared before the handlers, whose destructors wait for those threads.
  std::mutex made_mutex_;
  std::vector<MadeOutput> made_;  // guarded by made_mutex_
  std::mutex completions_mutex_;
  std::vector<deliver::HandlerLoop*> completions_;  // guarded by completions_mutex_

  std::vector<std::unique_ptr<Overflow>> overflows_;  // by inlet; empty: there is no place for them
  std::vector<std::unique_ptr<Inlet>> inlets_;
  std::vector<std::unique_ptr<deliver::HandlerLoop>> handlers_;
  std::vector<std::vector<std::size_t>> handlers_of_;    // by inlet, by bit
  std::vector<deliver::Delivery*> deliveries_;           // by id
  std::vector<std::unique_ptr<deliver::Relay>> relays_;  // by inlet; may be none
  std::vector<deliver::Output*> relayed_to_;             // by inlet; none: not yet
  std::vector<Nanoseconds> hold_until_;                  // by inlet; 0: not held back
  std::map<const log::Log*, std::size_t> inlet_of_;
  std::map<const deliver::HandlerLoop*, std::size_t> index_of_;

  std::vector<Outlet> outlets_;
  std::map<const deliver::Output*, std::size_t> outlet_of_;

  Ready held_inlets_;  // what waits in their FIFOs is to go on by reference
  Ready ready_inlets_, ready_handlers_, ready_outlets_, dirty_inlets_;
  Ready blocked_handlers_;  // wait for an output, whichever: few, and a step that finds it still full costs little
  bool looks_at_calls_ = false;
  std::size_t calls_ = 0;  // of plugins, in progress
  bool alone_ = false;     // and it is to be the only one
  const deliver::HandlerLoop* wants_alone_ = nullptr;
  std::vector<bool> full_inlets_;
  std::uint64_t releases_seen_ = 0;
  Timers timers_;
  Nanoseconds now_{0};
  Nanoseconds checked_{0};
  bool changed_ = false;  // since the last checkpoint
  Nanoseconds checkpoint_at_{0};

  control::Server* control_ = nullptr;
  bool control_lost_ = false;  // its file is gone, and said to be

  std::atomic<bool> stopping_{false};
  std::optional<Nanoseconds> deadline_;
  deliver::SpillRoom spill_room_;
  std::vector<StopNote> left_by_last_;  // by the hub before this one, of its sources
  bool closing_ = false;
  bool finished_ = false;
  bool abandoned_ = false;
  bool saves_ = false;
};

}  // namespace standpipe::worker
