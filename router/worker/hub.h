// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/hub_options.h"
#include "deliver/account.h"
#include "deliver/handler_loop.h"
#include "deliver/handler_needs.h"
#include "keeper/link.h"
#include "keeper/program.h"
#include "worker/control_watch.h"
#include "worker/data.h"
#include "worker/delivery_table.h"
#include "worker/disk_queues.h"
#include "worker/event_loop.h"
#include "worker/foundation.h"
#include "worker/full_logs.h"
#include "worker/handler_table.h"
#include "worker/hub_account.h"
#include "worker/hub_names.h"
#include "worker/letter_routes.h"
#include "worker/output_table.h"
#include "worker/relay_policy.h"
#include "worker/reloading.h"
#include "worker/replays.h"
#include "worker/shutdown.h"
#include "worker/source_fifos.h"
#include "worker/source_table.h"
#include "worker/stop_save.h"
#include "worker/succession.h"

namespace standpipe::worker {

// The hub at work: one thread that brings messages from FIFOs into logs, hands them to handlers,
// moves what is to be sent, and gives memory back. Plugins that may block have threads of their
// own, which touch only what they were lent.
//
// This class only says in which order its parts do their work. What it knows lies in a memory that
// outlives it, and what it has open is kept by the keeper: the next worker continues where this
// one died, whichever instruction that was (RECOVERY.md).
//
// Everything it needs is made by the constructor, which throws Failure (after telling the reporter
// each fault) when something cannot be had; run returns when the keeper has asked for the end and
// all is drained, or the drain timeout is over.
class Hub final : private deliver::SettlementObserver {
 public:
  // `saves`: it is to save what waits and to end, nothing else; no plugin is asked anything.
  // `before`: the configuration is tried, and that is what the one to go back to has. `program`:
  // what handlers' processes are made of; nullptr: they are threads. Throws
  // state::Memory::Damaged when what an earlier worker left does not hold together.
  Hub(const config::HubOptions& options, const Clock& clock, Reporter& reporter, keeper::Link& link,
      bool saves = false, const HubNames* before = nullptr,
      const keeper::Program* program = nullptr);
  ~Hub();

  // Works until each handler has tried to open once (its FIFOs are made then), or for `most`.
  // Returns the names of those that are not ready; they are tried again, or held, and the reporter
  // was told why. Where a configuration is tried nothing is read meanwhile.
  std::vector<std::string> start(Nanoseconds most);
  // Those that are configured and not ready now, and where they stand.
  struct NotReady {
    std::string name;
    deliver::HandlerState state;
  };
  std::vector<NotReady> not_ready() const;
  // The configuration stays, and the keeper knows: what has departed is ended. Sources that are no
  // more are read for the last time and closed, and what removed handlers had is dead-lettered.
  void begin_for_good();
  // Until the end, or until this worker gives way.
  void run();
  // One round of the loop: waits until there is something to do, and does some of all that there
  // is.
  void round();
  // Whether only saving is left: it was asked for, or an earlier worker died while saving. Then
  // call this instead of start and run:
  bool saves() const { return only_saves_; }
  void save();
  // What a person wants of a handler (worker/handler_commands.h); nullopt: that is not the request.
  // Throws Failure.
  std::optional<std::string> answer(std::string_view request);
  // From now on those who ask there are answered, from the loop.
  void serve(control::Server& server);

  // ---- another configuration (hub_succession.cpp)
  // Who brings it. `fd` is watched when there is one.
  void serve(Reloading& reloading) { reloading_ = &reloading; }
  void watch_reload(int fd) { loop_.watch(fd, EPOLLIN, key_of_reload()); }
  void unwatch_reload(int fd) { loop_.unwatch(fd); }
  void wake_reload_at(std::optional<Nanoseconds> when) { loop_.set_timer(key_of_reload(), when); }
  // Gives way to a worker that does not have these. Reloading hears what comes of it.
  void begin_succession(const LeavingNames& leaving);
  // Since when writers wait.
  Nanoseconds quiet_since() const { return succession_.quiet_since(); }
  bool gives_way() const { return succession_.is_over(); }
  bool is_stopping() const { return shutdown_.has_begun(); }
  bool has_stopped() const { return shutdown_.has_ended(); }
  // Why a memory as this one has no room for it; empty: it has.
  std::string lack_of_room_for(const HubNames& names) const;
  // Which of its sources have messages on the disk that nobody would take up in this run, if it had
  // those names; empty: none.
  std::vector<std::string> left_on_disk_by(const HubNames& names) const;
  // What it has now.
  const HubNames& names() const { return foundation_.names(); }
  // What outlives this worker, for whoever belongs to it. The caller commits.
  state::Memory& memory() { return foundation_.memory(); }

  const Clock& clock() const { return clock_; }
  // When the first worker began: as the wall's clock was set then, which names the run; and as it
  // is set now, for people.
  Nanoseconds began() const { return foundation_.began(); }
  Nanoseconds since() const { return foundation_.since(clock_); }
  // Of this worker's loop.
  const RoundTimes::Longest& longest_round() const { return loop_.longest_round(); }
  std::uint64_t deaths() const { return foundation_.memory().shared().deaths; }  // of workers
  const SourceTable& sources() const { return sources_; }
  const std::vector<std::unique_ptr<deliver::HandlerLoop>>& handlers() const {
    return handlers_.all();
  }
  std::vector<RelayState> relays() const { return relays_.states(); }
  // Queues on disk; also what overflows there.
  std::vector<QueueState> queues() const { return disk_queues_.states(); }
  using Orphan = HubAccount::Orphan;
  std::vector<Orphan> orphans() const;
  using InFlight = HubAccount::InFlight;
  deliver::Account account(InFlight how = InFlight::counted) const;
  // What a stop left in FIFOs that it could not seal: gone when their writers are.
  std::uint64_t lost_bytes() const { return fifos_.gates().lost_bytes(); }
  // A plugin did not come back: the process must end by std::_Exit, without tearing down what the
  // plugin still uses.
  bool has_detached() const { return handlers_.has_detached(); }

 private:
  // ---- the beginning (hub_begin.cpp)
  deliver::OutputNeeds output_needs();
  deliver::HandlerNeeds handler_needs(const deliver::HandlerOptions& options);
  deliver::MessageSink* sink_of(const deliver::HandlerOptions& options);
  void open_sources();
  void open_source(std::size_t source);
  void open_fifo(std::size_t source, std::size_t slot, bool warn_unmatched);
  void add_made(std::size_t source, std::size_t slot, bool warn_unmatched);
  void serve_plugins();
  const std::string& plugin_of(const source::SourceOptions& source) const;
  void make_handlers();
  void make_handler(const deliver::HandlerOptions& options);
  void connect();
  void connect(std::size_t source, std::size_t bit);
  void report_no_queue(const std::string& source, const std::string& handler) const;
  std::optional<std::size_t> add_delivery(std::size_t source, const std::string& handler);
  void serve_spills();
  void serve_spills(std::size_t source);
  void depart();
  void report_spills_of_nobody();
  void report_queues_of_nobody();
  void report_loop(const deliver::Output& output);

  // ---- what a round consists of
  void wait();
  void accept();
  bool may_read(std::size_t source) const;
  bool may_make(std::size_t source) const;
  void end_polls();
  void queue();
  void read_leaving();
  void deliver();
  void pump();
  void trim();
  void check();

  void on_event(std::uint64_t key, std::uint32_t events);
  void on_timer(std::uint64_t key);
  void on_completions();
  void visit_outputs();
  void on_keeper();
  void on_asked(const keeper::Link::Asked& asked);
  void patrol();
  bool is_within_rate(std::size_t source);
  Inlet::Turn run_turn(std::size_t source);
  void after_turn(std::size_t source, Inlet::Turn turn);
  void remind(std::size_t source);
  void settled(deliver::Delivery& delivery) override;
  Checkpoint checkpoint() const;
  void write_checkpoint();
  void write_resumes(bool is_end);

  // ---- another configuration (hub_succession.cpp)
  static std::uint64_t key_of_reload();
  Succession::Leaving numbers_of(const LeavingNames& names) const;
  void succession_round();
  void drain_round();
  void quiet_round();
  void hand_over();
  void stay(const std::string& why);
  void lose_keeper();
  Inlet::Turn read_rest(std::size_t source);
  std::uint64_t has_no_room_for(std::size_t source) const;
  void end_source(std::size_t source);
  bool has_work() const;

  // ---- the end (hub_stop.cpp)
  void begin_stop();
  void stop_round();
  bool feeds_itself(const Inlet& inlet) const;
  bool goes_round() const;
  HandlerTable::Left left_to_queues() const;
  bool all_drained();
  bool all_closed() const;
  void begin_close();
  void end_flow();
  void save_rest();

  config::HubOptions options_;  // and what has departed
  const Clock& clock_;
  Reporter& reporter_;
  keeper::Link& link_;
  EventLoop loop_;
  Foundation foundation_;
  std::optional<deliver::ChildNeeds> children_;
  Data data_;
  Shutdown shutdown_;
  Succession succession_;
  // Handlers end before what their plugins' threads come to, and before the logs that their
  // deliveries read; sources end before the outputs that they relay to.
  DeliveryTable deliveries_;
  OutputTable outputs_;
  SourceTable sources_;
  LetterRoutes letter_routes_;
  HandlerTable handlers_;
  SourceFifos fifos_;
  RelayPolicy relays_;
  DiskQueues disk_queues_;
  FullLogs full_logs_;
  Replays replays_;
  StopSave stop_save_;
  ControlWatch control_;
  Reloading* reloading_ = nullptr;  // none: nobody brings another configuration
  Nanoseconds checked_{0};
  bool only_saves_;
  bool is_trial_;  // the configuration is tried: nothing is read yet
};

}  // namespace standpipe::worker
