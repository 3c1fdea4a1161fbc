// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/own_place.h"
#include "base/reporter.h"
#include "config/hub_options.h"

namespace standpipe::worker {

// Everything in data_dir that bears a name which the hub uses there, as far as it exists:
//   lock, running, stopped, resume, dead-letters*.log   files, and the .tmp beside each
//   spill, queue, queue/SOURCE, queue/SOURCE/HANDLER    folders, of what is configured
// Not among them: the files in spill/ and in a queue, each of which is judged by who reads it
// (".unreadable", ".damaged"), and the copies of a memory, for which a free name is taken.
std::vector<OwnPlace> own_places_in(const std::string& data_dir, const config::HubOptions& options);

// What is none of the hub's is moved aside, with a warning for each. Throws Failure where that
// would endanger messages: a folder that may have saved ones and cannot be looked into, or one in
// whose place something stands that cannot be moved.
void clear_own_places(const std::string& data_dir, const config::HubOptions& options,
                      Reporter& reporter);

}  // namespace standpipe::worker
