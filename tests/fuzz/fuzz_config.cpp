// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/invariant.h"
#include "base/limits.h"
#include "base/text.h"
#include "config/loader.h"

// Whatever a configuration holds, the loader comes back, and what it says can be shown; what it
// calls good is consistent.
namespace {

using namespace standpipe;

void check_shown(const config::Loaded& loaded) {
  INVARIANT(loaded.diagnostics.size() <= kConfigErrorsMax + 1, loaded.diagnostics.size());
  std::size_t line = 0;
  for (const auto& d : loaded.diagnostics) {
    const auto text = render(d, false) + render_json(d);
    INVARIANT(is_utf8(text), text);
    INVARIANT(!d.code.empty() && !d.message.empty(), text);
    INVARIANT((d.message + d.label).find('\n') == std::string::npos, d.message, d.label);
    if (!d.place) continue;
    INVARIANT(d.place->line >= line, d.place->line, line);
    INVARIANT(d.place->column >= 1 && d.place->width >= 1);
    line = d.place->line;
  }
}

void check_hub(const config::HubOptions& hub) {
  INVARIANT(!hub.sources.empty() && !hub.handlers.empty() && !hub.routes.empty());
  for (const auto& source : hub.sources)
    INVARIANT(!source.path.empty() && source.path[0] == '/', source.path);
  for (const auto& handler : hub.handlers)
    INVARIANT(handler.plugin && handler.values.size() == handler.plugin->options.size(),
              handler.name);
  for (const auto& route : hub.routes) {
    INVARIANT(!route.from.empty() && !route.to.empty(), route.name);
    for (const auto source : route.from) INVARIANT(source < hub.sources.size(), source);
    for (const auto handler : route.to) INVARIANT(handler < hub.handlers.size(), handler);
  }
  INVARIANT(!hub.unmatched || *hub.unmatched < hub.handlers.size());
}

}  // namespace

// Plugins are never unloaded, on purpose.
extern "C" const char* __lsan_default_suppressions() { return "leak:standpipe::plugin::Library"; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static plugin::Registry plugins({STANDPIPE_TEST_PLUGINS});
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // A path would have it load what it finds on this machine.
  if (text.find("plugin") != std::string_view::npos && text.find(".so") != std::string_view::npos)
    return 0;
  const auto loaded = config::load_text(text, "/nowhere/fuzz.yaml", plugins);
  check_shown(loaded);
  if (loaded.ok()) check_hub(loaded.hub);
  return 0;
}
