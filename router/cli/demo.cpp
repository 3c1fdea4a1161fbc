// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"
#include "cli/tour.h"

namespace standpipe::cli {
namespace {

Status demo(const Arguments&, Streams& streams) { return Tour(streams).run(); }

}  // namespace

Command demo_command() {
  return {.name = "demo",
          .summary = "shows it all at work, in less than a minute",
          .examples =
              {{"standpipe demo",
                "makes a folder, runs a hub in it, sends and receives; then you continue by hand"}},
          .description =
              "Everything happens in a new folder under $TMPDIR (or /tmp), which stays, so\n"
              "that you can experiment with it.",
          .operands = {},
          .options = {},
          .run = demo};
}

}  // namespace standpipe::cli
