// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "base/diagnostic.h"
#include "base/parts.h"
#include "cli/arguments.h"
#include "cli/status.h"
#include "cli/streams.h"
#include "config/loader.h"
#include "plugin/registry.h"

namespace standpipe::cli {

// What a worker works with, as text: read from the disk once, held by the keeper from then on
// (worker/configurations.h).

// As it lies on the disk now, with the time; or why it cannot be read.
std::variant<Parts, std::vector<Diagnostic>> read_configuration(const Arguments& worker);
config::Loaded load_configuration(const Parts& configuration, plugin::Registry& plugins,
                                  config::Reading how);

// Whether what lies on the disk reads otherwise than a configuration. Its files are read only when
// they look different from when they were read last: by their sizes, times and inodes.
class DiskComparison {
 public:
  bool has_changed(const Parts& configuration, const Arguments& worker);

 private:
  std::string looked_;  // of what was read; empty: it was too young to tell by its looks
  bool has_changed_ = false;
};

// Which files the plugins of its handlers were loaded from, and which these files were, a line
// each: another text means that a plugin's file was replaced.
std::string plugin_files(const config::HubOptions& hub);

// The work of a worker's child that examines a changed configuration (worker/examination.h):
// --examine FILE,RUNNING. Whatever it finds it writes there.
Status examine(const Arguments& worker, Streams& streams);

}  // namespace standpipe::cli
