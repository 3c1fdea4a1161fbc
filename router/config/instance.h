// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "config/plugins.h"
#include "config/reader.h"
#include "deliver/options.h"

namespace standpipe::config {

// Reads what handlers and source plugins have in common: which plugin, its options, where it runs
// and what it may have there, and how long it waits after a failure.
class InstanceReader {
 public:
  InstanceReader(Context& context, Plugins& plugins, Role role)
      : context_(context), plugins_(plugins), role_(role) {}

  // plugin, sha256, options, isolation, memory_max, user, timeout. `part`: the instance's name and
  // value.
  void read(const Reader& reader, const Field& part, deliver::HandlerOptions& options);
  // `of`: the instance, as messages call it.
  void read_backoff(const Field& field, const std::string& of, deliver::HandlerOptions& options);

 private:
  void read_plugin(const Reader& reader, const Field& part, deliver::HandlerOptions& options);
  std::optional<std::string> read_sha256(const Reader& reader);
  void read_isolation(const Reader& reader, deliver::HandlerOptions& options);
  void read_limits(const Reader& reader, deliver::HandlerOptions& options);

  Context& context_;
  Plugins& plugins_;
  Role role_;
};

}  // namespace standpipe::config
