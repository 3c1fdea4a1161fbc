// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/failure.h"
#include "base/fd.h"

namespace standpipe::cli {

// The reasons why a path may not be a FIFO that we can use, each with its remedy. Nothing is opened
// before it was checked, because opening a device may have effects.

// Throws Failure when something else than a FIFO stands there; nothing there is fine.
void refuse_other_files(const std::string& path);
// Throws Failure while the hub that reads it stops: it can be waited for (source::is_closed says
// when that is over).
void refuse_while_stopping(const std::string& path);
// Conditions that a starting hub will change: its FIFO is missing, nobody reads it, or the previous
// hub is stopping.
class NotYet : public Failure {
 public:
  using Failure::Failure;
};

// The write end, non-blocking. Throws NotYet, or Failure: no FIFO, no permission.
Fd open_write_end(const std::string& path);
// The read end, non-blocking; creates a missing FIFO (mode 0600) and says so by `created`. Throws
// Failure.
Fd open_read_end(const std::string& path, bool& created);

}  // namespace standpipe::cli
