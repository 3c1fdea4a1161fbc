// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "config/hub_options.h"
#include "keeper/link.h"
#include "log/arena.h"
#include "match/matcher.h"
#include "match/route_compiler.h"
#include "plugin/registry.h"
#include "state/directory.h"
#include "state/memory.h"
#include "worker/hub_names.h"

namespace standpipe::worker {

// The parts of a hub: the sources, handlers and deliveries of its configuration, and those that an
// earlier worker with another configuration left in the memory. Each has a slot by its name
// (state/directory.h).
//
// What the configuration no longer has is *departed*. It stays as long as it has messages, and goes
// when a later worker finds that it has none:
//   - a route: its delivery goes on, without new messages, until all that it has is delivered.
//   - a source: the same for all its deliveries. Its FIFO stays open, and is read no more.
//   - an output: of a handler that has departed, it goes on until its reader has taken all or has
//     had its time for it. What a handler that stays asks for no more ends as soon as that handler
//     is open (HandlerTable::note_outputs_for_good). Both are closed then.
//   - a handler: nobody can deliver what it has, so it is held. Its messages wait in memory, go to
//     the disk when they are in the way of others, and are saved at a stop. Hub::orphans names them
//     so that somebody can decide about them.
//
// A source that has another name now, and the same FIFO, takes all that it has along.
//
// While a configuration is tried, what the one before it has counts as configured where something
// would go: that one may come back, and then finds its counters (`before`).
//
// Each change of the memory is one commit. The keeper keeps what it needs before the commit, and
// forgets the rest after it. So a worker that dies meanwhile leaves the next one less to do,
// whichever configuration that has.
class Topology {
 public:
  // Takes the memory from the keeper, or makes it. `options` gets what has departed, after what is
  // configured. `before`: what this worker's configuration may give way to again; none: nothing.
  // Throws state::Damaged when the memory does not hold together, and Failure when it has no room
  // for the configuration.
  Topology(config::HubOptions& options, keeper::Link& link, const HubNames* before = nullptr);

  // What of a configuration finds no room in a memory with that plan and these parts; empty: all
  // does. `renamed`: sources that have another name in it.
  using Renamed = std::map<std::string, std::string>;
  static std::string lack_of_room(const state::MemoryPlan& plan, const state::Directory& directory,
                                  HubNames names, const Renamed& renamed = {});

  state::Memory& memory() { return *memory_; }
  const state::Memory& memory() const { return *memory_; }
  state::Directory& directory() const { return *directory_; }
  log::ArenaBudget arena_budget() const;
  bool has_departed_source(std::size_t source) const { return source >= sources_; }
  bool has_departed_handler(std::size_t handler) const { return handler >= handlers_; }

  // Of a handler that the configuration does not have.
  deliver::HandlerOptions departed_handler(const std::string& name);

  // Of a source, once each: what matches its messages, and its FIFO as an earlier worker had it.
  match::Matcher take_matcher(std::size_t source) { return std::move(matchers_[source]); }
  std::optional<Fd> take_fifo(std::size_t source);

 private:
  void open_memory(Fd memory);
  void make_memory();
  static state::MemoryPlan needs(const HubNames& names);

  void rename_sources();
  void rename_source(const std::string& from, const std::string& to);
  HubNames staying() const;
  bool has_files(const std::string& source) const;
  bool is_to_be_ended(const std::string& source) const;
  void remove_settled(const HubNames& stays);
  void remove_delivery(const std::string& source, const std::string& handler);
  void remove_source(const std::string& name);
  void remove_replays(const HubNames& stays);
  void remove_replay(const std::string& source, const std::string& handler);
  bool leaves_outputs(const std::string& handler) const;
  void remove_handler(const std::string& name);
  void remove_outputs();
  void remove_records(const std::vector<std::string>& names);
  void forget_descriptors();
  void add_departed();
  std::vector<std::size_t> bits_of(std::size_t source) const;
  std::optional<std::size_t> source_named(const std::string& name) const {
    return find(source_numbers_, name);
  }
  std::optional<std::size_t> handler_named(const std::string& name) const {
    return find(handler_numbers_, name);
  }
  static std::optional<std::size_t> find(const std::map<std::string, std::size_t>& numbers,
                                         const std::string& name);

  config::HubOptions& options_;
  keeper::Link& link_;
  const HubNames* before_;
  std::size_t sources_, handlers_;  // that are configured
  std::map<std::string, std::size_t> source_numbers_, handler_numbers_;
  std::unique_ptr<state::Memory> memory_;
  std::unique_ptr<state::Directory> directory_;
  std::map<std::string, Fd> fifos_;             // of sources, that were taken
  std::map<std::string, std::string> renamed_;  // sources, by the names that they had
  match::RouteCompiler compiler_;
  std::vector<match::Matcher> matchers_;
  plugin::Registry no_plugins_;  // of handlers that have departed
};

}  // namespace standpipe::worker
