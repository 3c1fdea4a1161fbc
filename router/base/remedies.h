// SPDX-License-Identifier: Apache-2.0
#pragma once

// What to do about failures that several places report.
namespace standpipe {

constexpr const char* kMoreProcesses =
    "raise the limit of processes and threads (ulimit -u; TasksMax= of a service)";

}  // namespace standpipe
