// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace standpipe::conformance {

// What a shared object says of itself to the loader, read from the file without loading it.
struct ElfFile {
  std::vector<std::string> exports;  // defined, and visible to others
  std::vector<std::string> imports;  // undefined, and not weak
  bool is_kept = false;              // -z nodelete
  bool has_executable_stack = false;
  bool has_text_relocations = false;

  // Throws Failure: it is no shared object of this machine, it is truncated, or has no table of
  // symbols.
  static ElfFile read(const std::string& path);
};

}  // namespace standpipe::conformance
