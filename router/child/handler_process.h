// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace standpipe::child {

// A handler's child: it takes calls from its worker, has its plugin make them, and ends when the
// worker closes the socket, or is no more. `descriptors` as ChildDescriptors::text; all others but
// the standard streams are closed. Returns the process's status. Throws Failure when it was not
// started by a worker.
int serve_calls(const std::string& descriptors);

}  // namespace standpipe::child
