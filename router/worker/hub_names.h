// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/parts.h"
#include "config/hub_options.h"
#include "worker/reloading.h"

namespace standpipe::worker {

// What a configuration has, by name, as far as the memory of a run depends on it: what needs room
// there, and what is the same thing in two configurations. It is what a process that examined one
// tells the worker of it.
struct HubNames {
  std::uint64_t memory_max = 0;
  std::map<std::string, std::string> sources;  // and the paths of their FIFOs
  std::set<std::string> handlers, deliveries;  // deliveries: state::delivery_name
  std::set<std::string> queues;                // of these, the ones with a queue on disk

  static HubNames of(const config::HubOptions& options);
  void write(Parts& parts) const;
  static HubNames read(const Parts& parts);

  // Also what the other one has.
  void add(HubNames other);
  // Sources that have another name in `next`, and the same FIFO: the old name, and the new one.
  std::map<std::string, std::string> renamed_in(const HubNames& next) const;
  // What `next` does not have.
  LeavingNames leaving_in(const HubNames& next) const;
};

}  // namespace standpipe::worker
