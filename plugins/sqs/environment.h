// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <string>

// Empty: it is not set.
inline std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value ? value : "";
}
