// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"
#include "cli/control_socket.h"
#include "cli/show.h"

namespace standpipe::cli {
namespace {

Status stats(const Arguments& arguments, Streams& streams) {
  if (arguments.has("json")) {
    streams.out.write(ask_hub(arguments, "stats json"));
  } else {
    streams.out.write(printable_lines(ask_hub(arguments, "stats"), ""));
  }
  return Status::done;
}

}  // namespace

Command stats_command() {
  return {.name = "stats",
          .summary = "shows what a running hub did with every message",
          .examples = {{"standpipe stats", "the account: per source, handler and reason"},
                       {"standpipe stats orders.yaml", "of the hub of that configuration, where several run"},
                       {"standpipe stats --json", "the same for programs, one object"},
                       {"standpipe stats --control ./control", "of the hub that was started with that path"}},
          .description =
              "For each source: accepted = matched + unmatched. For each source and handler: matched is the sum of\n"
              "what was delivered, filtered, dropped (with its reason), put aside (dead-lettered), and what is in\n"
              "flight: still waiting. Handlers that are not ready are named.\n"
              "The hub is found by its control socket, which only the user that runs it, and root, can open:\n"
              "control-NAME-HASH, after its configuration, in $XDG_RUNTIME_DIR/standpipe, /run/standpipe or\n"
              "/tmp/standpipe-UID. Where several run, name the configuration as it was given to `run`.",
          .operands = {{.name = "CONFIG", .required = false}},
          .options = {control_option("the hub's control socket, as given to `run`"),
                      {.name = "json", .summary = "one line of JSON on standard output"}},
          .run = stats};
}

}  // namespace standpipe::cli
