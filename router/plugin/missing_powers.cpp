// SPDX-License-Identifier: Apache-2.0
#include "plugin/missing_powers.h"

namespace standpipe::plugin {

std::vector<std::string> missing_powers(const standpipe_handler& handler, bool is_placed) {
  std::vector<std::string> missing;
  if (handler.placement > STANDPIPE_PROCESS && !is_placed)
    missing.push_back("its plugin asks for placement " + std::to_string(handler.placement) +
                      ", which this router does not know: it runs in a thread");
  return missing;
}

}  // namespace standpipe::plugin
