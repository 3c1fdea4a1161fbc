// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "cli/arguments.h"
#include "control/listener.h"

namespace standpipe {
class Reporter;
}

namespace standpipe::cli {

// Where a hub listens and commands ask: --control PATH, or a socket named after the configuration
// in the usual folders (control/socket_folder.h). A command that names neither asks the only hub
// that there is.
Option control_option(std::string_view summary);

// For a hub. A path that the user named must be had; a default one need not: then the hub runs
// without, the reporter is told why, and nothing is returned.
std::optional<control::Listener> listen_for_control(const Arguments& arguments, Reporter& reporter);

// For a command. Throws Failure, also when no hub answers. `config_at`: which of its operands names
// the hub's configuration.
std::string ask_hub(const Arguments& arguments, std::string_view request,
                    std::size_t config_at = 0);

}  // namespace standpipe::cli
