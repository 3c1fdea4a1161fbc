// SPDX-License-Identifier: Apache-2.0
#include "config/open_files.h"

#include "base/open_files.h"
#include "base/text.h"

namespace standpipe::config {

void check_open_files(Context& context, const Hub& hub, const Spot& sources) {
  const auto needed = OpenFiles::needed_for(hub.sources.size(), hub.handlers.size());
  const auto limit = open_files_limit();
  if (needed.kept > kKeptMost)
    return context.error(sources, "too-many",
                         counted(hub.sources.size(), "source") + " and " + counted(hub.handlers.size(), "handler") + " may need " +
                             thousands(needed.kept) + " descriptors that outlive a worker, and a hub holds " + thousands(kKeptMost),
                         "divide them among several hubs");
  if (needed.worker > limit)
    context.error(sources, "open-files",
                  "this configuration may need " + thousands(needed.worker) + " open files, and the limit is " + thousands(limit),
                  "raise it: ulimit -Hn " + std::to_string(needed.worker) + " (or LimitNOFILE= in the service's unit)");
}

}  // namespace standpipe::config
