// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/handlers.h"
#include "config/reader.h"

namespace standpipe::config {

// Makes each handler once and discards it: what a plugin says about values that fit its declaration
// but not each other (a template that cannot be parsed) is a mistake in the configuration like any
// other. Making a handler touches nothing outside (SDK: that is for open). A plugin that crashes
// meanwhile, or does not return, is a mistake in the configuration too, so handlers are made in a
// child first. Only for a configuration without errors.
void try_handlers(Context& context, const Handlers& handlers);

}  // namespace standpipe::config
