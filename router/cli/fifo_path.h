// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/failure.h"
#include "base/fd.h"

namespace standpipe::cli {

// The ways in which a path may be no FIFO that we may use, each with its remedy. Nothing is opened before it was looked at: opening
// a device may do something.

// Throws Failure when something else than a FIFO stands there; nothing there is fine.
void refuse_other_files(const std::string& path);
// Throws Failure while the hub that reads it stops: it can be waited for (source::is_closed says when that is over).
void refuse_while_stopping(const std::string& path);
// What a hub that starts will change: its FIFO is missing, nobody reads it, or the hub before it is stopping.
class NotYet : public Failure {
 public:
  using Failure::Failure;
};

// The write end, non-blocking. Throws NotYet, or Failure: no FIFO, no permission.
Fd open_write_end(const std::string& path);
// The read end, non-blocking; creates a missing FIFO (mode 0600) and says so by `created`. Throws Failure.
Fd open_read_end(const std::string& path, bool& created);

}  // namespace standpipe::cli
