// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/handlers.h"
#include "config/reader.h"
#include "config/sources.h"

namespace standpipe::config {

// Makes each handler and each source plugin once and discards it: what a plugin says about values
// that fit its declaration but not each other (a template that cannot be parsed) is a mistake in
// the configuration like any other. Making an instance touches nothing outside (SDK: that is for
// open). A plugin that crashes meanwhile, or does not return, is a mistake in the configuration
// too, so instances are made in a child first. Only for a configuration without errors.
void try_plugins(Context& context, const Sources& sources, const Handlers& handlers);

}  // namespace standpipe::config
