// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "config/reader.h"
#include "config/tree.h"

namespace standpipe::config {

// Several files as one configuration: their maps of sources and of handlers and their lists of
// routes and of tests are joined in the files' order. Every other key stands in one file alone, but
// for `version`. What is named in two files stands twice in the result, so that its reader reports
// both places. One file's tree is returned as it is; nullptr: no file has anything in it. The
// result points into `trees` and is owned by `joined`. `trees`: one a file; nullopt: that one is no
// YAML.
const Node* join(Context& context, const std::vector<std::optional<Tree>>& trees, Tree& joined);

}  // namespace standpipe::config
