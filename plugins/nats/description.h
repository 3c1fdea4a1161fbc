// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <standpipe/plugin.hpp>

namespace nats {

// Of the plugin: its name, its documentation and the options of both the handler and the source.
void describe(standpipe::Description& d);

}  // namespace nats
