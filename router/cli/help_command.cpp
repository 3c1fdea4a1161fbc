// SPDX-License-Identifier: Apache-2.0
#include "cli/dispatch.h"
#include "cli/help.h"

namespace standpipe::cli {
namespace {

Status help(const Arguments& arguments, Streams& streams) {
  auto words = arguments.operands();
  if (words.empty()) {
    streams.out.write(long_help());
    return Status::done;
  }
  // As if it had been asked for behind the command, with the same messages for what does not exist.
  words.push_back("--help");
  return static_cast<Status>(dispatch(words, streams));
}

}  // namespace

Command help_command() {
  return {.name = "help",
          .summary = "lists the commands, or shows one command's page",
          .examples = {{"standpipe help", "all commands"}, {"standpipe help send", "what `standpipe send --help` shows"}},
          .description = "Shows a command's page: examples, what it does, its options.",
          .operands = {{.name = "COMMAND", .required = false, .repeated = true, .kind = Kind::text}},
          .options = {},
          .run = help};
}

}  // namespace standpipe::cli
