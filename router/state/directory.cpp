// SPDX-License-Identifier: Apache-2.0
#include "state/directory.h"

#include <algorithm>
#include <cstring>

#include "base/failure.h"
#include "base/invariant.h"

namespace standpipe::state {
namespace {

constexpr Kind kKinds[] = {Kind::source,   Kind::handler, Kind::output,
                           Kind::delivery, Kind::queue,   Kind::replay};
constexpr std::string_view kPlurals[] = {
    "sources",        "handlers",
    "outputs",        "routes from a source to a handler",
    "queues on disk", "sources and handlers with replayed letters"};
constexpr std::string_view kPrefixes[] = {"slot/source/",   "slot/handler/", "slot/output/",
                                          "slot/delivery/", "slot/queue/",   "slot/replay/"};
constexpr std::string_view kArrow = " -> ";

std::string record_of(Kind kind, const std::string& name) {
  return std::string(kPrefixes[static_cast<std::size_t>(kind)]) + name;
}

std::size_t capacity_of(Kind kind, const MemoryPlan& plan) {
  const std::size_t capacities[] = {plan.logs,       plan.handlers, plan.outputs,
                                    plan.deliveries, plan.queues,   plan.replays};
  return capacities[static_cast<std::size_t>(kind)];
}

// Names of sources and handlers have no spaces.
std::pair<std::string, std::string> source_and_handler(const std::string& name) {
  const auto arrow = name.find(kArrow);
  if (arrow == name.npos) throw Damaged("a delivery has the name of none");
  return {name.substr(0, arrow), name.substr(arrow + kArrow.size())};
}

}  // namespace

std::string delivery_name(const std::string& source, const std::string& handler) {
  return source + std::string(kArrow) + handler;
}

Directory::Directory(Memory& memory) : memory_(memory) {
  for (const auto kind : kKinds) {
    table(kind).capacity = capacity_of(kind, memory.plan());
    read(kind);
  }
  read_bits();
}

// ---- what an earlier worker left

void Directory::read(Kind kind) {
  auto& t = table(kind);
  std::vector<bool> taken(t.capacity);
  const auto prefix = kPrefixes[static_cast<std::size_t>(kind)];
  for (const auto& record : memory_.records(prefix)) {
    const auto bytes = memory_.find(record);
    Entry entry{};
    if (bytes.size() != sizeof entry) throw Damaged("a slot's record has another size");
    std::memcpy(&entry, bytes.data(), sizeof entry);
    if (entry.slot >= t.capacity || taken[entry.slot])
      throw Damaged("two names have the same slot");
    taken[entry.slot] = true;
    t.entries.emplace(record.substr(prefix.size()), entry);
    t.end = std::max(t.end, entry.slot + 1);
  }
  for (std::uint32_t slot = 0; slot < t.end; ++slot)
    if (!taken[slot]) t.free.insert(t.free.end(), slot);
}

void Directory::read_bits() {
  for (const auto& [name, entry] : table(Kind::delivery).entries) {
    const auto [source, handler] = source_and_handler(name);
    if (!find(Kind::source, source) || !find(Kind::handler, handler))
      throw Damaged("a delivery's source or handler is not there");
    if (entry.bit >= kBitsMax) throw Damaged("a delivery's bit is beyond all bits");
    auto& handlers = handlers_[source];
    if (handlers.size() <= entry.bit) handlers.resize(entry.bit + 1);
    if (!handlers[entry.bit].empty()) throw Damaged("two deliveries of a source have the same bit");
    handlers[entry.bit] = handler;
  }
}

// ---- slots

std::optional<std::uint32_t> Directory::find(Kind kind, const std::string& name) const {
  const auto found = table(kind).entries.find(name);
  if (found == table(kind).entries.end()) return std::nullopt;
  return found->second.slot;
}

std::uint32_t Directory::slot(Kind kind, const std::string& name) {
  INVARIANT(kind != Kind::delivery, name);
  if (const auto found = find(kind, name)) return *found;
  const auto taken = free_slot(kind);
  add(kind, name, {taken, 0});
  return taken;
}

std::uint32_t Directory::delivery(const std::string& source, const std::string& handler,
                                  std::size_t bit) {
  const auto name = delivery_name(source, handler);
  if (const auto found = table(Kind::delivery).entries.find(name);
      found != table(Kind::delivery).entries.end()) {
    if (found->second.bit != bit) throw Damaged("a delivery has another bit");
    return found->second.slot;
  }
  INVARIANT(find(Kind::source, source) && find(Kind::handler, handler) && bit < kBitsMax, name,
            bit);
  auto& handlers = handlers_[source];
  if (handlers.size() <= bit) handlers.resize(bit + 1);
  INVARIANT(handlers[bit].empty(), name, bit, handlers[bit]);
  handlers[bit] = handler;
  const auto taken = free_slot(Kind::delivery);
  add(Kind::delivery, name, {taken, static_cast<std::uint32_t>(bit)});
  return taken;
}

void Directory::add(Kind kind, const std::string& name, Entry entry) {
  const auto bytes = memory_.record(record_of(kind, name), sizeof entry);
  std::memcpy(bytes.data(), &entry, sizeof entry);  // a new record's bytes need no note
  table(kind).entries.emplace(name, entry);
}

std::uint32_t Directory::free_slot(Kind kind) {
  auto& t = table(kind);
  std::erase_if(t.removed, [&](const auto& removed) {
    const bool is_committed = removed.second < memory_.transaction();
    if (is_committed) t.free.insert(removed.first);
    return is_committed;
  });
  if (!t.free.empty()) return t.free.extract(t.free.begin()).value();
  if (t.end < t.capacity) return t.end++;
  throw Failure("the hub's memory has room for " + std::to_string(t.capacity) + " " +
                    std::string(kPlurals[static_cast<std::size_t>(kind)]) + ", and all are taken",
                "stop the hub and start it again: its new memory is made as large as its "
                "configuration needs");
}

std::vector<std::string> Directory::names(Kind kind) const {
  std::vector<std::pair<std::uint32_t, std::string>> by_slot;
  for (const auto& [name, entry] : table(kind).entries) by_slot.emplace_back(entry.slot, name);
  std::sort(by_slot.begin(), by_slot.end());
  std::vector<std::string> names;
  for (auto& [slot, name] : by_slot) names.push_back(std::move(name));
  return names;
}

std::vector<std::string> Directory::handlers_of(const std::string& source) const {
  const auto found = handlers_.find(source);
  return found == handlers_.end() ? std::vector<std::string>() : found->second;
}

std::vector<std::string> Directory::replays_of(const std::string& source) const {
  std::vector<std::string> handlers;
  for (const auto& [name, entry] : table(Kind::replay).entries)
    if (auto of = source_and_handler(name); of.first == source)
      handlers.push_back(std::move(of.second));
  return handlers;
}

void Directory::rename_source(const std::string& from, const std::string& to) {
  for (const auto& handler : handlers_of(from)) {
    if (handler.empty()) continue;
    const auto name = delivery_name(from, handler), new_name = delivery_name(to, handler);
    rename(Kind::delivery, name, new_name);
    if (find(Kind::queue, name)) rename(Kind::queue, name, new_name);
  }
  for (const auto& handler : replays_of(from))
    rename(Kind::replay, delivery_name(from, handler), delivery_name(to, handler));
  rename(Kind::source, from, to);
  if (auto handlers = handlers_.extract(from)) {
    handlers.key() = to;
    handlers_.insert(std::move(handlers));
  }
}

void Directory::rename(Kind kind, const std::string& from, const std::string& to) {
  auto entry = table(kind).entries.extract(from);
  INVARIANT(entry && !find(kind, to), from, to);
  entry.key() = to;
  table(kind).entries.insert(std::move(entry));
  memory_.rename_record(record_of(kind, from), record_of(kind, to));
}

void Directory::remove(Kind kind, const std::string& name) {
  auto& t = table(kind);
  const auto found = t.entries.find(name);
  INVARIANT(found != t.entries.end(), name);
  if (kind == Kind::delivery) {
    auto& handlers = handlers_[source_and_handler(name).first];
    handlers[found->second.bit].clear();
    while (!handlers.empty() && handlers.back().empty()) handlers.pop_back();
  }
  INVARIANT(kind != Kind::source || handlers_of(name).empty(), name);
  t.removed.emplace_back(found->second.slot, memory_.transaction());
  t.entries.erase(found);
  memory_.remove_record(record_of(kind, name));
}

}  // namespace standpipe::state
