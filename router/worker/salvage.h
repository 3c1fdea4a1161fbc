// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace standpipe::worker {

// The last thing to do with memory that nobody can go on with: copies it to DATA_DIR/memory-N, with holes where nothing is, so that
// a person can get at the messages in it, which lie there as they were on the wire (log/FORMAT.md). Reads nothing of it, and is
// durable when it returns. Returns the file's path. Throws Failure; a part that could be written stays.
std::string salvage(int memory, const std::string& data_dir);

}  // namespace standpipe::worker
