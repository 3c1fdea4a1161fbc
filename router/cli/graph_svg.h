// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace standpipe::cli {

// What graphviz' `dot`, found by $PATH, makes of a graph in its language. Throws Failure: it is not
// there, or it fails.
std::string svg_by_graphviz(const std::string& dot);

}  // namespace standpipe::cli
