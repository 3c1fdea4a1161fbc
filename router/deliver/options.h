// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "plugin/registry.h"

namespace standpipe::deliver {

enum class Placement { inline_, thread };

// One configured instance of a plugin.
struct HandlerOptions {
  std::string name;  // the key in YAML
  const plugin::Plugin* plugin = nullptr;
  std::vector<plugin::Value> values;        // one for each declared option, in that order
  std::optional<Placement> placement = {};  // empty: as the plugin says
  // Tries of one message; 0: without end. With these pauses the last one is made after more than six minutes, so that an ordinary
  // outage costs no message; whoever knows that it is one answers `disconnected`, for which no attempt counts.
  unsigned attempts_max = 20;
  bool dead_letter = true;  // what is rejected, or fails too often, is kept in data_dir; false: it is dropped and counted
  Nanoseconds timeout{0};   // a call that takes longer is a hang; 0: it may
  Nanoseconds backoff_initial = std::chrono::milliseconds(200);  // doubles up to
  Nanoseconds backoff_max = std::chrono::seconds(30);
};

}  // namespace standpipe::deliver
