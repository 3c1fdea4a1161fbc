// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>

namespace standpipe {

// A bug of ours, not a condition of the world: it prints the operands and aborts. The worker is
// crash-only.
template <class... Operands>
[[noreturn]] void bug(const char* file, int line, const char* what, const Operands&... operands) {
  std::ostringstream out;
  out << "bug: " << file << ':' << line << ": " << what;
  ((out << ' ' << operands), ...);
  std::fprintf(stderr, "%s\n", out.str().c_str());
  std::abort();
}

}  // namespace standpipe

// INVARIANT(condition, operands...) is checked in release builds too; it costs a compare, on paths
// that handle batches.
#define INVARIANT(condition, ...)     \
  ((condition) ? static_cast<void>(0) \
               : ::standpipe::bug(__FILE__, __LINE__, #condition __VA_OPT__(, ) __VA_ARGS__))
