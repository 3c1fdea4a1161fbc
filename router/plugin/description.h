// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <standpipe/plugin.h>

#include <string>

#include "plugin/registry.h"

namespace standpipe::plugin {

struct AbiVersion {
  unsigned major = STANDPIPE_ABI_MAJOR;
  unsigned minor = STANDPIPE_ABI_MINOR;
};

// A plugin's description, copied and checked: versions, texts, and options whose defaults and
// limits fit their types. A plugin may be wrong about itself; that is found here, not in the middle
// of a configuration. Throws Failure with the reason. `host` is the version that this router
// claims; tests claim others.
Plugin read_description(const standpipe_plugin& abi, const std::string& path, AbiVersion host = {});

}  // namespace standpipe::plugin
