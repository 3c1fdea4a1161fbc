// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/inherited_descriptors.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/configuration.h"
#include "cli/control_socket.h"
#include "cli/worker.h"
#include "keeper/keeper.h"

namespace standpipe::cli {
namespace {

// Where a descriptor of the caller's may be named on purpose: <(command), >(command).
std::vector<std::string> paths_in(const Arguments& arguments) {
  auto paths = arguments.operands();
  if (const auto account = arguments.text("account")) paths.push_back(*account);
  return paths;
}

// This process is the keeper: it reads no configuration and loads no plugin.
Status run_hub(const Arguments& arguments, Streams& streams) {
  close_inherited_descriptors(paths_in(arguments));
  const SystemClock clock;
  streams.err.use(log_format_of(arguments, streams.err.fd()));
  StreamReporter reporter(streams.err.fd(), streams.err.format());
  if (const auto n = listen_descriptors())
    reporter.warning("listen-fds",
                     "the service manager handed over " + counted(static_cast<std::uint64_t>(n), "socket") +
                         " (LISTEN_FDS), and a hub takes none: closed",
                     "remove the socket unit: sources are FIFOs, which the hub makes itself");
  keeper::Keeper keeper({.worker_arguments = worker_words(arguments, streams.err.format(), ""),
                         .spill_arguments = worker_words(arguments, streams.err.format(), "--spill"),
                         .salvage_arguments = worker_words(arguments, streams.err.format(), "--salvage")},
                        clock, reporter);
  return static_cast<Status>(keeper.run());
}

}  // namespace

Command run_command() {
  return {.name = "run",
          .summary = "runs a hub as a configuration says",
          .examples = {{"standpipe run orders.yaml", "until Ctrl-C or SIGTERM"},
                       {"standpipe run orders.yaml --plugins ./build", "with plugins of your own"},
                       {"standpipe run orders.yaml --account account.json", "leaves the account of all messages in a file"}},
          .description =
              "Prints a line with `ready` on standard error when it serves, and tells a service manager\n"
              "(NOTIFY_SOCKET, WATCHDOG_USEC). At SIGTERM or Ctrl-C it delivers what was written until then, for\n"
              "at most drain_timeout, saves what is left in data_dir, where the next start finds it, says the\n"
              "account and ends with status 0; a second one makes it end at once. SIGUSR1 makes handlers open\n"
              "their files anew.\n"
              "\n"
              "What it says has a time and a level, as text or as JSON; where standard error is the journal\n"
              "(JOURNAL_STREAM), a level alone.\n"
              "\n"
              "It is two processes: a keeper, which was started, and a worker. When the worker dies, by a\n"
              "plugin's fault or any other, the keeper starts another, which goes on where that one was:\n"
              "no message is lost, writers and readers see nothing of it. A message that made its plugin crash,\n"
              "or not come back within the handler's `timeout`, three times is put aside in data_dir.",
          .operands = {{.name = "CONFIG"}},
          .options = {plugins_option(),
                      control_option("listen there for `standpipe stats`, instead of at the usual place"),
                      {.name = "log-format",
                       .kind = Kind::choice,
                       .value = "FORMAT",
                       .summary = "how its messages are written on standard error",
                       .choices = {"text", "json", "journal"}},
                      {.name = "account",
                       .kind = Kind::file,
                       .value = "FILE",
                       .summary = "at the end, write the account to FILE, as JSON"},
                      {.name = "json", .summary = "at the end, print the account on standard output, as a line of JSON"}},
          .run = run_hub};
}

}  // namespace standpipe::cli
