// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/handlers.h"
#include "config/reader.h"

namespace standpipe::config {

// Makes each handler once and throws it away: what a plugin says of values that fit its declaration and do not fit each other
// (a template that cannot be read) is a mistake in the configuration like any other. Making one touches nothing outside (SDK: that
// is for open). A plugin that crashes meanwhile, or does not come back, is a mistake in the configuration, too: they are made in a
// child first. Only for a configuration without errors.
void try_handlers(Context& context, const Handlers& handlers);

}  // namespace standpipe::config
