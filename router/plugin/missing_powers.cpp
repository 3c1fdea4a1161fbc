// SPDX-License-Identifier: Apache-2.0
#include "plugin/missing_powers.h"

namespace standpipe::plugin {

std::vector<std::string> missing_powers(const Plugin& plugin, Kind kind, bool is_placed) {
  std::vector<std::string> missing;
  const auto placement =
      kind == Kind::source ? plugin.abi->source->placement : plugin.abi->handler->placement;
  if (placement > STANDPIPE_PROCESS && !is_placed)
    missing.push_back("its plugin asks for placement " + std::to_string(placement) +
                      ", which this router does not know: it runs in a thread");
  return missing;
}

}  // namespace standpipe::plugin
