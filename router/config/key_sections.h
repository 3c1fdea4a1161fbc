// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "config/keys.h"

namespace standpipe::config {

// What key_maps() is made of: for each section of a configuration its own keys, and those of the
// maps in it.
std::vector<KeyMap> hub_keys();  // the whole file, and what is in it of no other section
std::vector<KeyMap> source_keys();
std::vector<KeyMap> handler_keys();
std::vector<KeyMap> route_keys();
std::vector<KeyMap> test_keys();

}  // namespace standpipe::config
