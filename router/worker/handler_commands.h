// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "deliver/handler_loop.h"
#include "worker/handler_table.h"

namespace standpipe::worker {

// What a person wants of one handler of a running hub, as requests at its control socket:
//
//   handler list                   a line a handler, its fields separated by tabs: name, state,
//                                  messages in flight, how many of them are on the disk, reason
//   handler hold NAME              it gets nothing more, until it is released
//   handler retry NAME             a held one opens again, and goes on
//   handler skip NAME [SOURCE]     the same, behind the message that it would get next, which is
//                                  dead-lettered. Where several sources have some for it, of which
//
// The last three answer with a line for people. A hold and its end are in the memory that outlives
// the worker. What overflowed to the disk meanwhile comes before its other messages.
class HandlerCommands {
 public:
  HandlerCommands(HandlerTable& handlers, const Clock& clock)
      : handlers_(handlers), clock_(clock) {}

  // nullopt: the request is not about handlers. Throws Failure.
  std::optional<std::string> answer(std::string_view request);
  // Whether it is about handlers, and changes something.
  static bool changes_something(std::string_view request);

 private:
  std::string list() const;
  std::string hold(std::size_t handler);
  std::string retry(std::size_t handler);
  std::string skip(std::size_t handler, std::string_view source);
  std::size_t number_of(std::string_view name) const;
  void require_release(const deliver::HandlerLoop& handler) const;
  static deliver::Delivery& delivery_of(const deliver::HandlerLoop& handler,
                                        std::string_view source);

  HandlerTable& handlers_;
  const Clock& clock_;
};

}  // namespace standpipe::worker
