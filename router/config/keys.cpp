// SPDX-License-Identifier: Apache-2.0
#include "config/keys.h"

#include "config/key_sections.h"

namespace standpipe::config {

std::vector<KeyMap> key_maps() {
  std::vector<KeyMap> all;
  for (const auto& section : {hub_keys(), source_keys(), handler_keys(), route_keys(), test_keys()})
    all.insert(all.end(), section.begin(), section.end());
  return all;
}

}  // namespace standpipe::config
