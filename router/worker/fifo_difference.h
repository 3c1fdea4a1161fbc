// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/reporter.h"

namespace standpipe::worker {

// A FIFO that was there already is not as the configuration says; empty: it is.
inline void warn_of_difference(Reporter& reporter, const std::string& whose,
                               const std::string& path, const std::string& difference) {
  if (difference.empty()) return;
  reporter.warning("fifo-differs", whose + ": " + path + " " + difference + "; it is kept as it is",
                   "chmod or chown it, or remove it: the hub makes it as the configuration says");
}

}  // namespace standpipe::worker
