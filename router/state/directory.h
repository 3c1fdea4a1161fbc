// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "state/memory.h"

namespace standpipe::state {

// What the persistent state is about. A delivery is named "SOURCE -> HANDLER", and so are the queue
// on disk that it has, if it has one, and the replay of dead letters of that source and handler,
// whether a route leads from one to the other or not.
enum class Kind : std::uint32_t { source, handler, output, delivery, queue, replay };

std::string delivery_name(const std::string& source, const std::string& handler);

// Which slot of the memory each name has. All that outlives the worker names sources, handlers,
// outputs and deliveries by their slots, never by their places in a configuration: so the memory
// can be recovered with another configuration, whose lists are in another order, longer or shorter.
//
// Slots of a kind are numbered from 0 below the plan's capacity; a new name gets the lowest that is
// free. What was removed is free after the commit that removes it, and not before: a kill may still
// bring it back.
//
// A delivery has a bit besides: its handler's place in the sets of handlers that the log of its
// source has for each run. It stays the same as long as the delivery is here, whatever else comes
// or goes.
//
// Each entry is a record of the memory (FORMAT.md); the caller commits. One thread.
class Directory {
 public:
  static constexpr std::size_t kBitsMax =
      1 << 20;  // of one source; only bounds what is taken for valid

  // Throws Damaged when what an earlier worker left cannot be.
  explicit Directory(Memory& memory);

  std::optional<std::uint32_t> find(Kind kind, const std::string& name) const;
  // The slot of that name, which is taken when it has none. Throws Failure when all are taken.
  std::uint32_t slot(Kind kind, const std::string& name);
  // The same for a delivery, whose handler has that bit. Throws Damaged when it has another.
  std::uint32_t delivery(const std::string& source, const std::string& handler, std::size_t bit);

  // All that are there, by slot.
  std::vector<std::string> names(Kind kind) const;
  // Of the replays of a source: their handlers.
  std::vector<std::string> replays_of(const std::string& source) const;
  // The handlers of a source by their bits; nobody has a bit whose name is empty.
  std::vector<std::string> handlers_of(const std::string& source) const;

  // A source has another name from now on, and keeps its slot and its deliveries.
  void rename_source(const std::string& from, const std::string& to);
  // Nothing refers to it any more. A source or handler that has deliveries must stay.
  void remove(Kind kind, const std::string& name);

 private:
  // What an entry's record holds.
  struct Entry {
    std::uint32_t slot;
    std::uint32_t bit;  // of a delivery; else 0
  };
  struct Table {
    std::size_t capacity = 0;
    std::map<std::string, Entry> entries;
    std::set<std::uint32_t> free;  // below `end`
    std::vector<std::pair<std::uint32_t, std::uint64_t>>
        removed;            // slots, and the transactions that removed them
    std::uint32_t end = 0;  // no slot from here on was taken yet
  };
  Table& table(Kind kind) { return tables_[static_cast<std::size_t>(kind)]; }
  const Table& table(Kind kind) const { return tables_[static_cast<std::size_t>(kind)]; }
  void read(Kind kind);
  void read_bits();
  void add(Kind kind, const std::string& name, Entry entry);
  void rename(Kind kind, const std::string& from, const std::string& to);
  std::uint32_t free_slot(Kind kind);

  Memory& memory_;
  std::array<Table, 6> tables_;
  std::map<std::string, std::vector<std::string>> handlers_;  // by source, by bit
};

}  // namespace standpipe::state
