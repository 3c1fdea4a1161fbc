// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "base/failure.h"

namespace standpipe::deliver {

// Gives a file of data_dir that cannot be read another name, in its folder, which nothing had:
// NAME.damaged, or NAME.newer if a later Standpipe wrote it, and then -2 and so on. Nothing is
// removed, and whatever has the file open keeps it. Returns the path; empty: it could not be
// renamed, or nothing is there.
std::string set_aside(const std::string& path, const Failure& why);

// Whether `why` says that a later Standpipe wrote the file, which is therefore no damage.
bool is_of_newer_version(const Failure& why);

// Where a file of dead letters is neither a disk log nor of a version that is known, so that it
// would be in the way for ever: it is set aside. Returns where it is then; nullopt: `why` is
// something else, or it could not be renamed.
std::optional<std::string> set_aside_if_unknown(const std::string& path, const Failure& why);

}  // namespace standpipe::deliver
