// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "deliver/options.h"

namespace standpipe::deliver {

// `unmatched: dead_letter` is a handler as any other, named so, which rejects whatever it is given:
// so what no route wants has a place in the account, waits where letters cannot be written, and is
// in flight until they are. Its plugin is the hub's own.
HandlerOptions unmatched_letters();

}  // namespace standpipe::deliver
