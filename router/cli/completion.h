// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace standpipe::cli {

// Scripts that complete the table's commands and options in a shell: a file each, for where the
// shell looks for such files.
std::string zsh_script();
std::string fish_script();

}  // namespace standpipe::cli
