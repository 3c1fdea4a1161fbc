// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/limits.h"

namespace standpipe::source {

enum class WhenFull { block };  // drops come with queues of the handlers' own

// What brings a source's messages.
enum class Origin {
  fifo,     // writers
  plugin,   // a source plugin
  handler,  // a handler, which makes messages of those that it is given
};

// One source, as configured.
struct SourceOptions {
  std::string name;         // the key in YAML; of a handler that is one: the handler's
  std::string path;         // absolute; empty: it is no FIFO
  unsigned mode = 0600;     // of a FIFO that must be created; the umask does not weaken it
  bool mode_given = false;  // the configuration says that mode
  std::optional<std::string> owner =
      {};  // user and group names or numbers, for a FIFO that must be created
  std::optional<std::string> group = {};
  bool trust_others = false;  // follow and use whatever others put at the path
  std::uint64_t message_size_max = kMessageSizeMaxDefault;  // payload bytes
  std::uint64_t log_size_max = kLogSizeDefault;  // bytes; one larger frame is let in alone
  std::uint64_t match_max = kMatchMaxDefault;    // larger payloads are not looked into by routes
  std::uint64_t rate_limit = 0;  // messages a second that are read of it; 0: as many as come
  std::uint64_t rate_burst = 0;  // at once, after a pause
  WhenFull when_full = WhenFull::block;
  Origin origin = Origin::fifo;
  std::size_t from = 0;        // which of the hub's source plugins, or handlers, it is
  bool acks_accepted = false;  // a plugin is told of messages once the log has them, and not when
                               // all handlers have
};

}  // namespace standpipe::source
