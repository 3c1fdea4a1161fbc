// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "base/reporter.h"
#include "deliver/culprit.h"
#include "deliver/options.h"
#include "state/directory.h"
#include "state/memory.h"
#include "worker/delivery_table.h"
#include "worker/foundation.h"
#include "worker/handler_table.h"
#include "worker/output_table.h"
#include "worker/source_table.h"

// What a worker does with what the one before it has left. RECOVERY.md says why it can.
namespace standpipe::worker {

// The last worker was killed because a plugin's call had not come back: after the handler's
// timeout, or, for a call on the loop, when the service manager's patience was half over.
std::optional<deliver::Death> hang_of_last_worker(
    const state::Memory& memory, const state::Directory& directory,
    const std::vector<deliver::HandlerOptions>& handlers);
// However it died.
deliver::Death death_of_last_worker(Foundation& foundation, const HandlerTable& handlers,
                                    const std::vector<deliver::HandlerOptions>& options);

// Ends the step that the last worker died in, and settles the calls that were in progress: from
// then on the account closes again, as every part checks. Throws state::Memory::Damaged.
void recover(Foundation& foundation, SourceTable& sources, OutputTable& outputs,
             HandlerTable& handlers, const DeliveryTable& deliveries, const deliver::Death& death,
             Reporter& reporter);

}  // namespace standpipe::worker
