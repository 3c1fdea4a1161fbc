// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/fd.h"
#include "plugin/option.h"
#include "plugin/registry.h"

namespace standpipe::deliver {

// What a handler's child is told when it begins, in a file in memory: values may be secrets, which
// are not for a command line or an environment.
struct ChildSetup {
  std::string handler;
  std::size_t id = 0;  // the handler's number in the hub
  std::string plugin;  // the path of its file
  bool is_source = false;
  std::string sha256;  // that pins it; empty: nothing does
  // What the worker's copy of the plugin declares: in another copy values would mean something
  // else.
  std::string declared;
  std::vector<plugin::Value> values;
  std::uint64_t memory_max = 0;  // 0: no limit
  std::string user;              // empty: the hub's
  std::string run;               // STANDPIPE_RUN, which the worker's program was started without
  pid_t worker = 0;
  std::uint64_t messages_offset = 0, messages_bytes = 0;  // of the memory that it maps

  // Throws Failure.
  Fd write() const;
  static ChildSetup read(int file);

  static std::string declaration(const plugin::Plugin& plugin);
};

}  // namespace standpipe::deliver
