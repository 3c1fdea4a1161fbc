// SPDX-License-Identifier: Apache-2.0
#include "child/handler_process.h"

#include "cli/worker.h"
#include "deliver/child_process.h"

namespace standpipe::cli {
namespace {

Status run_handler_process(const Arguments& arguments, Streams&) {
  return static_cast<Status>(child::serve_calls(arguments.operands().front()));
}

}  // namespace

Command handler_process_command() {
  return {.name = deliver::kChildCommand,
          .summary = "the process of a handler",
          .examples = {},
          .description = {},
          .operands = {{.name = "DESCRIPTORS", .kind = Kind::text}},
          .options = {},
          .run = run_handler_process};
}

}  // namespace standpipe::cli
