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
  std::vector<plugin::Value> values;                             // one for each declared option, in that order
  std::optional<Placement> placement = {};                       // empty: as the plugin says
  unsigned attempts_max = 5;                                     // tries of one message; 0: without end
  Nanoseconds timeout{0};                                        // a call that takes longer is a hang; 0: it may
  Nanoseconds backoff_initial = std::chrono::milliseconds(200);  // doubles up to
  Nanoseconds backoff_max = std::chrono::seconds(30);
};

}  // namespace standpipe::deliver
