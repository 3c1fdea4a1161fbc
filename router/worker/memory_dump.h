// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace standpipe::worker {

// The last resort for memory that nobody can continue with: copies it to DATA_DIR/memory-N, sparse
// where it is empty, so that a person can get at the messages in it, which lie there as they were
// on the wire (state/FORMAT.md). It interprets nothing, and is durable when it returns. Returns the
// file's path. Throws Failure; a part that could be written stays.
std::string dump_memory(int memory, const std::string& data_dir);

}  // namespace standpipe::worker
