// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "deliver/child_wire.h"
#include "plugin/handler.h"

namespace standpipe::deliver {

// Does what the plugin in a child asks of the hub. nullopt: it waits for no answer.
std::optional<ServiceAnswer> serve_child(const ServiceRequest& request, plugin::HostServices& host);

// Whether it may change what the loop looks at between calls.
bool changes_outputs(Service service);

}  // namespace standpipe::deliver
