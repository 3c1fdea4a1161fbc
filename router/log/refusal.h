// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/failure.h"

// Why a file is not read as a disk log at all (FileHeader::read throws them). Nothing in it is the
// fault of whoever wanted it, so its user sets it aside under another name and goes on without it
// (deliver/set_aside.h).
namespace standpipe::log {

// Neither a header nor a batch in it is that of one.
class NotADiskLog : public Failure {
 public:
  using Failure::Failure;
};

// A later Standpipe wrote it, so it may be sound, and nothing of it is lost.
class NewerVersion : public Failure {
 public:
  using Failure::Failure;
};

}  // namespace standpipe::log
