// SPDX-License-Identifier: Apache-2.0
#include "config/emitters.h"

#include "config/names.h"

namespace standpipe::config {

// A plugin that was not found, or not loaded, might.
bool Emitters::can_emit(const deliver::HandlerOptions& handler) const {
  return !plugins_are_loaded_ || !handler.plugin || handler.plugin->may_emit();
}

std::optional<std::size_t> Emitters::source_of(const Spot& spot, std::size_t handler) {
  const auto& emitter = handlers_.options[handler];
  if (!can_emit(emitter)) {
    context_.error(spot, "cannot-emit",
                   "handler '" + shown(emitter.name) + "' emits no messages: its plugin '" +
                       emitter.plugin->name + "' needs plugin ABI 1.0, and emitting is of 1.1",
                   "name a source, or a handler whose plugin emits");
    return std::nullopt;
  }
  const auto number = sources_.options.size();
  sources_.names.add(emitter.name, handlers_.names.spot(handler));
  sources_.options.push_back({.name = emitter.name,
                              .path = {},
                              .match_max = context_.match_max,
                              .origin = source::Origin::handler,
                              .from = handler});
  sources_.fifo.push_back(handlers_.names.spot(handler));
  sources_.message_size_max.emplace_back();
  sources_.log_size_max.emplace_back();
  return number;
}

}  // namespace standpipe::config
