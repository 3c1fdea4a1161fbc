// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/failure.h"

namespace standpipe::cli {

// What a command ends with; 78 is EX_CONFIG of sysexits.h, which service managers know not to
// restart.
enum class Status { done = 0, failed = 1, wrong_usage = 2, wrong_configuration = 78 };

// The command line itself is wrong: what about it, and how it is meant. Ends in
// Status::wrong_usage.
class WrongUsage : public Failure {
 public:
  using Failure::Failure;
};

}  // namespace standpipe::cli
