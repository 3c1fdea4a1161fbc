// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <system_error>

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
  streams.err.never_wait_long();
  // Found once: a folder that is renamed while the hub runs must not give the next worker other files.
  std::error_code unknown;
  const auto place = std::filesystem::absolute(arguments.operands()[0], unknown).string();
  const SystemClock clock;
  streams.err.use(log_format_of(arguments, streams.err.fd()));
  StreamReporter reporter(streams.err.fd(), streams.err.format());
  if (const auto n = listen_descriptors())
    reporter.warning("listen-fds",
                     "the service manager handed over " + counted(static_cast<std::uint64_t>(n), "socket") +
                         " (LISTEN_FDS), and a hub takes none: closed",
                     "remove the socket unit: sources are FIFOs, which the hub makes itself");
  const auto words = [&](const char* what) { return worker_words(arguments, place, streams.err.format(), what); };
  keeper::Keeper keeper({.worker_arguments = words(""),
                         .spill_arguments = words("--spill"),
                         .salvage_arguments = words("--salvage"),
                         .ignore_hangup = arguments.has("ignore-hangup")},
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
              "account and ends; a second one makes it end at once. The end of the terminal that it was started\n"
              "in stops it as well, unless it ignores that: nohup, --ignore-hangup. SIGUSR1 makes handlers open\n"
              "their files anew; SIGHUP by anybody else does nothing yet but say so.\n"
              "\n"
              "The status is 0 when all was delivered or saved; 1 when messages were dropped at the stop, or\n"
              "something failed; 78 when the configuration is wrong. What nobody reads on standard error is left\n"
              "out, and said with the next line; an account that nobody reads is given up after 5 s (status 1).\n"
              "\n"
              "What it says has a time and a level, as text or as JSON; where standard error is the journal\n"
              "(JOURNAL_STREAM), a level alone.\n"
              "\n"
              "It is two processes: a keeper, which was started, and a worker. When the worker dies, by a\n"
              "plugin's fault or any other, the keeper starts another, which goes on where that one was:\n"
              "no message is lost, writers and readers see nothing of it. A message that made its plugin crash,\n"
              "or not come back within the handler's `timeout`, three times is put aside in data_dir. Processes\n"
              "that a worker started are ended with it. Descriptors above 2 are closed at the start, but for\n"
              "/dev/fd/N in place of a file.",
          .operands = {{.name = "CONFIG"}},
          .options = {plugins_option(),
                      control_option("listen there for `standpipe stats`, instead of at the usual place"),
                      {.name = "log-format",
                       .kind = Kind::choice,
                       .value = "FORMAT",
                       .summary = "how its messages are written on standard error",
                       .choices = {"text", "json", "journal"}},
                      {.name = "ignore-hangup", .summary = "go on when the terminal that it was started in is closed"},
                      {.name = "account",
                       .kind = Kind::file,
                       .value = "FILE",
                       .summary = "at the end, write the account to FILE, as JSON"},
                      {.name = "json", .summary = "at the end, print the account on standard output, as a line of JSON"}},
          .run = run_hub};
}

}  // namespace standpipe::cli
