// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <system_error>

namespace common {

inline std::string error_text(int error) {
  return std::generic_category().message(error);
}  // of an errno

}  // namespace common
