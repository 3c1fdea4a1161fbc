// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>

#include "config/handlers.h"
#include "config/reader.h"
#include "config/sources.h"

namespace standpipe::config {

// Handlers that routes name after `from`: what they emit goes on by these routes. Each becomes a
// source when it is first named, after all that are configured, so that it changes no number of
// theirs.
class Emitters {
 public:
  Emitters(Context& context, Sources& sources, const Handlers& handlers, bool plugins_are_loaded)
      : context_(context),
        sources_(sources),
        handlers_(handlers),
        plugins_are_loaded_(plugins_are_loaded) {}
  // The source's number. nullopt: the handler's plugin cannot emit, which was reported at `spot`.
  std::optional<std::size_t> source_of(const Spot& spot, std::size_t handler);

 private:
  bool can_emit(const deliver::HandlerOptions& handler) const;

  Context& context_;
  Sources& sources_;
  const Handlers& handlers_;
  bool plugins_are_loaded_;
};

}  // namespace standpipe::config
