// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "config/document.h"
#include "config/mistakes.h"
#include "config/tree.h"

namespace standpipe::config {

// The document's one value as a tree of ours; its file is the only one that sees yaml-cpp. nullopt:
// it is not YAML, or more than a configuration may be (nesting, aliases that expand without end),
// and the first such mistake was added. Also bounds what yaml-cpp itself may do with hostile text.
// An empty document has a null root.
//
// A merge key is replaced: `<<: *a`, or `<<: [*a, *b]`, adds the entries of those maps whose keys
// are not there yet. What is wrong with one stays as it is written, for whoever reads the map.
std::optional<Tree> parse(const Document& document, Mistakes& mistakes);

}  // namespace standpipe::config
