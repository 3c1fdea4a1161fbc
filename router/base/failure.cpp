// SPDX-License-Identifier: Apache-2.0
#include "base/failure.h"

#include <cstring>

namespace standpipe {

Failure Failure::system(std::string_view what, int error_number, std::string help) {
  return Failure("cannot " + std::string(what) + ": " + std::strerror(error_number),
                 std::move(help));
}

}  // namespace standpipe
