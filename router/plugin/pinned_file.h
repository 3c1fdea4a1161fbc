// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "base/fd.h"
#include "base/limits.h"

namespace standpipe::plugin {

constexpr std::uint64_t kPinnedMost = 256 * MiB;  // of one file; it is copied into memory

// A copy of a plugin's file in memory, if its content has that SHA-256 (64 hexadecimal digits, in
// lower case).
//
// The copy is sealed before it is hashed, and it is the copy that is loaded: so what runs is what
// was hashed, whatever becomes of the file meanwhile. To hash the file and then load it, even by
// one descriptor, would not do: the loader maps it, and who writes into it later changes what runs.
// The price is that a plugin does not find libraries by its own place ($ORIGIN), and that debuggers
// know it as /memfd:NAME. Throws Failure: it cannot be read or copied, is too large, or another.
Fd pinned_copy(const std::string& path, const std::string& sha256);

}  // namespace standpipe::plugin
