// SPDX-License-Identifier: Apache-2.0
#include "worker/topology.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/failure.h"
#include "base/in_order.h"
#include "base/limits.h"
#include "deliver/call.h"
#include "deliver/delivery.h"
#include "deliver/last_taken.h"
#include "deliver/output.h"
#include "deliver/spill.h"
#include "log/log.h"
#include "source/create_fifo.h"
#include "worker/disk_queue.h"
#include "worker/plugin_feed.h"
#include "worker/replay.h"

namespace standpipe::worker {
namespace {

// How the keeper knows a source's FIFO, and what an output has open: "output/SLOT/WHAT".
constexpr std::string_view kFifo = "source/", kOutput = "output/";

// Records of a source that has that name, but for those that say what it has on the disk.
std::vector<std::string> records_of_source(const std::string& name) {
  return {"source/" + name, "fifo/" + name, "relay/" + name, PluginFeed::record_of(name)};
}

std::string record_on_disk(const std::string& name) { return "spill/" + name; }

// Where a FIFO is that is open.
std::string path_of(int fd) {
  std::array<char, 4096> path{};
  const auto length =
      ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), path.data(), path.size());
  return length > 0 ? std::string(path.data(), static_cast<std::size_t>(length)) : std::string();
}

template <class Options>
std::map<std::string, std::size_t> numbers_of(const std::vector<Options>& all) {
  std::map<std::string, std::size_t> numbers;
  for (std::size_t i = 0; i < all.size(); ++i) numbers.emplace(all[i].name, i);
  return numbers;
}

}  // namespace

Topology::Topology(config::HubOptions& options, keeper::Link& link, const HubNames* before)
    : options_(options),
      link_(link),
      before_(before),
      sources_(options.sources.size()),
      handlers_(options.handlers.size()),
      source_numbers_(numbers_of(options.sources)),
      handler_numbers_(numbers_of(options.handlers)),
      compiler_(options.routes),
      no_plugins_(plugin::Registry::of_names()) {
  if (auto kept = link.retrieve(state::kMemoryName))
    open_memory(std::move(*kept));
  else
    make_memory();
  for (std::size_t i = 0; matchers_.size() < options_.sources.size(); ++i)
    matchers_.emplace_back(i, compiler_, i < sources_ ? options_.unmatched : std::nullopt,
                           bits_of(i), options_.sources[i].match_max);
}

// ---- the memory

void Topology::make_memory() {
  for (std::size_t i = 0; i < sources_; ++i)
    matchers_.emplace_back(i, compiler_, options_.unmatched, std::vector<std::size_t>(),
                           options_.sources[i].match_max);
  memory_ =
      std::make_unique<state::Memory>(state::MemoryPlan::with_room(needs(HubNames::of(options_))));
  directory_ = std::make_unique<state::Directory>(*memory_);
  link_.keep(state::kMemoryName, memory_->fd());
}

state::MemoryPlan Topology::needs(const HubNames& names) {
  return {names.memory_max,
          names.sources.size(),
          names.deliveries.size(),
          names.handlers.size(),
          names.handlers.size() * kOutputsMax,
          names.queues.size()};
}

// Queues that are to be made count as well.
log::ArenaBudget Topology::arena_budget() const {
  auto queues = HubNames::of(options_).queues;
  for (auto& name : directory_->names(state::Kind::queue)) queues.insert(std::move(name));
  return {options_.memory_max,
          options_.sources.size() + queues.size() + directory_->names(state::Kind::replay).size()};
}

// What departs needs room as long as it is there, so all names together must have it.
std::string Topology::lack_of_room(const state::MemoryPlan& plan, const state::Directory& directory,
                                   HubNames names, const Renamed& renamed) {
  const auto configured = needs(names);
  for (auto& name : directory.names(state::Kind::handler)) names.handlers.insert(std::move(name));
  for (auto& name : directory.names(state::Kind::queue)) names.queues.insert(std::move(name));
  for (const auto& source : directory.names(state::Kind::source)) {
    const auto found = renamed.find(source);
    const auto& name = found == renamed.end() ? source : found->second;
    names.sources.emplace(name, "");
    for (const auto& handler : directory.handlers_of(source))
      if (!handler.empty()) names.deliveries.insert(state::delivery_name(name, handler));
  }
  auto lack = plan.lacks(needs(names));
  if (lack.empty() || plan.lacks(configured) == lack) return lack;
  lack += ", with those that it no longer has, which stay until their messages are delivered";
  if (plan.lacks(configured).empty())
    lack += " (remove those by one reload, reload again, and add by a third)";
  return lack;
}

void Topology::open_memory(Fd memory) {
  memory_ = std::make_unique<state::Memory>(std::move(memory));
  directory_ = std::make_unique<state::Directory>(*memory_);
  rename_sources();
  remove_settled(staying());
  if (const auto lack = lack_of_room(memory_->plan(), *directory_, HubNames::of(options_));
      !lack.empty())
    throw Failure("the memory of this run cannot hold the configuration: " + lack,
                  "stop and start the hub: what waits is saved");
  forget_descriptors();
  add_departed();
}

// ---- a source that has another name

// The keeper has its FIFO by both names before the memory knows it by the new one, so it is never
// opened a second time.
void Topology::rename_sources() {
  for (const auto& from : directory_->names(state::Kind::source)) {
    if (source_named(from)) continue;
    auto fifo = link_.retrieve(std::string(kFifo) + from);
    if (!fifo) continue;
    const auto is_there = [&](const source::SourceOptions& s) {
      return s.origin == source::Origin::fifo && !directory_->find(state::Kind::source, s.name) &&
             source::what_is_at(s.path, FileId::of(fifo->get())) == source::Named::ours;
    };
    const auto to = std::find_if(options_.sources.begin(), options_.sources.end(), is_there);
    const auto name = to == options_.sources.end() ? from : to->name;
    if (name != from) {
      link_.keep(std::string(kFifo) + name, fifo->get());
      rename_source(from, name);
      link_.forget(std::string(kFifo) + from);
    }
    fifos_.insert_or_assign(name, std::move(*fifo));
  }
}

// What earlier runs, or this one, left of it on the disk stays there under the old name.
void Topology::rename_source(const std::string& from, const std::string& to) {
  const auto rename = [this](const std::string& record, const std::string& name) {
    if (memory_->has_record(record)) memory_->rename_record(record, name);
  };
  const auto records = records_of_source(from), new_records = records_of_source(to);
  for (std::size_t i = 0; i < records.size(); ++i) rename(records[i], new_records[i]);
  remove_records({record_on_disk(from)});
  for (const auto& handler : directory_->handlers_of(from))
    if (!handler.empty()) {
      deliver::Delivery::rename(*memory_, from, to, handler);
      DiskQueue::rename(*memory_, from, to, handler);
    }
  for (const auto& handler : directory_->replays_of(from))
    Replay::rename(*memory_, from, to, handler);
  directory_->rename_source(from, to);
  memory_->commit();
  renamed_.emplace(from, to);
}

// ---- what is not there any more, and has nothing

// What the configuration has, and the one before it, by the names that its sources have now.
HubNames Topology::staying() const {
  auto names = HubNames::of(options_);
  if (!before_) return names;
  names.add(*before_);
  for (const auto& [from, to] : renamed_)
    for (const auto& handler : before_->handlers)
      if (before_->deliveries.contains(state::delivery_name(from, handler)))
        names.deliveries.insert(state::delivery_name(to, handler));
  return names;
}

void Topology::remove_settled(const HubNames& stays) {
  remove_replays(stays);
  for (const auto& source : directory_->names(state::Kind::source)) {
    for (const auto& handler : directory_->handlers_of(source)) {
      const bool goes =
          !handler.empty() && !stays.deliveries.contains(state::delivery_name(source, handler));
      if (goes && deliver::Delivery::is_settled(*memory_, source, handler) &&
          DiskQueue::is_empty(*memory_, source, handler))
        remove_delivery(source, handler);
    }
    if (!stays.sources.contains(source) && directory_->handlers_of(source).empty() &&
        directory_->replays_of(source).empty())
      remove_source(source);
  }
  std::set<std::string> busy;
  for (const auto& source : directory_->names(state::Kind::source))
    for (const auto& all : {directory_->handlers_of(source), directory_->replays_of(source)})
      busy.insert(all.begin(), all.end());
  for (const auto& handler : directory_->names(state::Kind::handler))
    if (!stays.handlers.contains(handler) && !busy.contains(handler) && !leaves_outputs(handler))
      remove_handler(handler);
  remove_outputs();
}

// A replay stays as long as its source and its handler.
void Topology::remove_replays(const HubNames& stays) {
  for (const auto& source : directory_->names(state::Kind::source))
    for (const auto& handler : directory_->replays_of(source))
      if ((!stays.sources.contains(source) || !stays.handlers.contains(handler)) &&
          Replay::is_over(*memory_, source, handler))
        remove_replay(source, handler);
}

void Topology::remove_replay(const std::string& source, const std::string& handler) {
  const auto slot = *directory_->find(state::Kind::replay, state::delivery_name(source, handler));
  if (!Replay::remove(*memory_, *directory_, source, handler)) return;
  for (const auto& path : directory_->names(state::Kind::output))
    deliver::LastTaken::forget(*memory_, path, Replay::delivery_id(*memory_, slot));
  memory_->commit();
}

void Topology::remove_delivery(const std::string& source, const std::string& handler) {
  const auto name = state::delivery_name(source, handler);
  const auto slot = *directory_->find(state::Kind::delivery, name);
  const auto queue = directory_->find(state::Kind::queue, name);
  if (!DiskQueue::remove(*memory_, *directory_, source, handler)) return;
  for (const auto& path : directory_->names(state::Kind::output)) {
    deliver::LastTaken::forget(*memory_, path, slot);
    if (queue) deliver::LastTaken::forget(*memory_, path, DiskQueue::delivery_id(*memory_, *queue));
  }
  deliver::Delivery::remove(*memory_, source, handler);
  directory_->remove(state::Kind::delivery, name);
  memory_->commit();
}

// Its FIFO is still open, because the worker died that was to read it for the last time.
bool Topology::is_to_be_ended(const std::string& source) const {
  const auto fifo = fifos_.find(source);
  return fifo != fifos_.end() && path_of(fifo->second.get()).starts_with('/');
}

// Messages of an earlier run that were not all fed.
bool Topology::has_files(const std::string& source) const try {
  return !deliver::SpillReader::find(options_.data_dir, source).empty();
} catch (const Failure&) {
  return true;  // who looks again may know
}

// Unless the step is to be ended in which the last worker died, or its log was not trimmed yet, or
// it has more to deliver: then it goes the next time.
void Topology::remove_source(const std::string& name) {
  const auto slot = *directory_->find(state::Kind::source, name);
  const bool is_in_step =
      (memory_->step() == state::Step::accept || memory_->step() == state::Step::discard) &&
      memory_->step_index() == slot;
  if (is_in_step || !log::Log::is_empty(*memory_, slot) || is_to_be_ended(name) || has_files(name))
    return;
  log::Log::remove(*memory_, slot);
  remove_records(records_of_source(name));
  remove_records({record_on_disk(name)});
  directory_->remove(state::Kind::source, name);
  memory_->commit();
  fifos_.erase(name);
  link_.forget(std::string(kFifo) + name);
}

// What it had open may be what a new handler asks for: then it stays for another worker, so that
// readers see no end between.
bool Topology::leaves_outputs(const std::string& handler) const {
  const auto is_new = [this](const auto& h) {
    return !directory_->find(state::Kind::handler, h.name);
  };
  return !deliver::Call::outputs_of(*memory_, handler).empty() &&
         std::any_of(options_.handlers.begin(), options_.handlers.end(), is_new);
}

void Topology::remove_handler(const std::string& name) {
  auto& watch = memory_->watches()[*directory_->find(state::Kind::handler, name)];
  for (auto* call : {&watch.call, &watch.on_loop})
    if (*call % 2) store_in_order(*call, std::uint64_t{*call + 1});  // nobody is in it any more
  remove_records(
      {"handler/" + name, "held/" + name, "blame/" + name, "call/" + name, "taken-by/" + name});
  directory_->remove(state::Kind::handler, name);
  memory_->commit();
}

// Those that no handler has and that have nothing to send: their handler went just now, or asks for
// another one since, or opened this one and then could not begin.
void Topology::remove_outputs() {
  std::set<std::uint32_t> used;
  for (const auto& handler : directory_->names(state::Kind::handler))
    for (const auto slot : deliver::Call::outputs_of(*memory_, handler)) used.insert(slot);
  for (const auto& path : directory_->names(state::Kind::output)) {
    const auto slot = *directory_->find(state::Kind::output, path);
    const bool is_in_step = memory_->step() == state::Step::push && memory_->step_index() == slot;
    if (used.contains(slot) || is_in_step || !deliver::Output::is_idle(*memory_, path)) continue;
    deliver::Output::remove(*memory_, path);
    directory_->remove(state::Kind::output, path);
    memory_->commit();
  }
}

void Topology::remove_records(const std::vector<std::string>& names) {
  for (const auto& name : names)
    if (memory_->has_record(name)) memory_->remove_record(name);
}

// What the keeper has for nobody: of what was removed just now, or by a worker that died before it
// could forget it.
void Topology::forget_descriptors() {
  std::set<std::string> known;
  for (const auto& path : directory_->names(state::Kind::output))
    known.insert(std::string(kOutput) +
                 std::to_string(*directory_->find(state::Kind::output, path)) + '/');
  for (const auto& name : link_.names()) {
    const auto source = name.starts_with(kFifo) ? name.substr(kFifo.size()) : "";
    const bool is_stale_fifo =
        !source.empty() && !source_named(source) && !directory_->find(state::Kind::source, source);
    const auto output =
        name.starts_with(kOutput) ? name.substr(0, name.find('/', kOutput.size()) + 1) : "";
    const bool is_stale_output = !output.empty() && !known.contains(output);
    if (is_stale_fifo || is_stale_output) link_.forget(name);
  }
}

// ---- what is not there any more, and has something

void Topology::add_departed() {
  for (const auto& handler : directory_->names(state::Kind::handler)) {
    if (handler_named(handler)) continue;
    handler_numbers_.emplace(handler, options_.handlers.size());
    options_.handlers.push_back(departed_handler(handler));
  }
  for (const auto& source : directory_->names(state::Kind::source)) {
    if (source_named(source)) continue;
    source::SourceOptions departed;
    departed.name = source;
    departed.message_size_max = kMessageSizeMaxMost;
    if (const auto fifo = fifos_.find(source); fifo != fifos_.end())
      departed.path = path_of(fifo->second.get());
    else
      departed.origin = source::Origin::plugin;
    source_numbers_.emplace(source, options_.sources.size());
    options_.sources.push_back(std::move(departed));
  }
}

deliver::HandlerOptions Topology::departed_handler(const std::string& name) {
  plugin::Refused why;
  deliver::HandlerOptions departed;
  departed.name = name;
  departed.plugin = no_plugins_.find("departed", why);
  departed.departed = true;
  departed.placement = deliver::Placement::inline_;
  return departed;
}

std::vector<std::size_t> Topology::bits_of(std::size_t source) const {
  std::vector<std::size_t> bits;
  for (const auto& handler : directory_->handlers_of(options_.sources[source].name))
    bits.push_back(handler.empty() ? match::Matcher::kNobody : handler_named(handler).value());
  return bits;
}

std::optional<Fd> Topology::take_fifo(std::size_t source) {
  const auto& name = options_.sources[source].name;
  if (auto taken = fifos_.extract(name)) return std::move(taken.mapped());
  return link_.retrieve(std::string(kFifo) + name);
}

std::optional<std::size_t> Topology::find(const std::map<std::string, std::size_t>& numbers,
                                          const std::string& name) {
  const auto found = numbers.find(name);
  if (found == numbers.end()) return std::nullopt;
  return found->second;
}

}  // namespace standpipe::worker
