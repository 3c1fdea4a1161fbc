// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/inherited_descriptors.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/configuration.h"
#include "cli/control_socket.h"
#include "cli/worker.h"
#include "config/paths.h"
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
  // Resolved once: a folder that is renamed while the hub runs must not give the next worker other
  // files.
  std::vector<std::string> places;
  for (const auto& path : arguments.operands()) places.push_back(config::absolute_path(path));
  const SystemClock clock;
  streams.err.use(log_format_of(arguments, streams.err.fd()));
  StreamReporter reporter(streams.err.fd(), streams.err.format());
  if (const auto n = listen_descriptors())
    reporter.warning("listen-fds",
                     "the service manager handed over " +
                         counted(static_cast<std::uint64_t>(n), "socket") +
                         " (LISTEN_FDS), and a hub takes none: closed",
                     "remove the socket unit: sources are FIFOs, which the hub makes itself");
  const auto words = [&](const char* what) {
    return worker_words(arguments, places, streams.err.format(), what);
  };
  keeper::Keeper keeper({.worker_arguments = words(""),
                         .spill_arguments = words("--spill"),
                         .dump_arguments = words("--dump-memory"),
                         .ignore_hangup = arguments.has("ignore-hangup")},
                        clock, reporter);
  return static_cast<Status>(keeper.run());
}

}  // namespace

Command run_command() {
  return {
      .name = "run",
      .summary = "runs a hub with a configuration",
      .examples = {{"standpipe run orders.yaml", "until Ctrl-C or SIGTERM"},
                   {"standpipe run conf.d/", "all .yaml files of a folder, as one configuration"},
                   {"standpipe run orders.yaml --plugins ./build", "with plugins of your own"},
                   {"standpipe run orders.yaml --account account.json",
                    "leaves the account of all messages in a file"}},
      .description =
          "Prints a line with `ready` on standard error when the hub serves, and reports\n"
          "the same to a service manager (NOTIFY_SOCKET, WATCHDOG_USEC).\n"
          "\n"
          "SIGTERM or Ctrl-C stops the hub: for at most drain_timeout it delivers what\n"
          "was written until then, saves the rest in data_dir for the next start, prints\n"
          "the account and ends. A second signal ends it at once. The hub also stops when\n"
          "its terminal is closed, unless it ignores that (nohup, --ignore-hangup).\n"
          "SIGUSR1 makes handlers reopen their files. SIGHUP switches the hub to its changed\n"
          "configuration, as `standpipe reload` does.\n"
          "\n"
          "The status is 0 when every message was delivered or saved, 1 when messages\n"
          "were dropped at the stop or something failed, and 78 when the configuration is\n"
          "wrong. Lines that nobody reads on standard error are left out, and the next\n"
          "line tells how many. Nobody waits longer than 5 s for who reads the account:\n"
          "the status is 1 then.\n"
          "\n"
          "Of several files and folders, sources, handlers, routes and tests are joined.\n"
          "The hub is named after the first: its control socket, its data_dir.\n"
          "\n"
          "Each message of the hub has a time and a level, as text or as JSON. Where\n"
          "standard error is the journal (JOURNAL_STREAM), it has a level alone.\n"
          "\n"
          "The hub is two processes: the keeper, which you start, and a worker. When the\n"
          "worker dies, because of a plugin or anything else, the keeper starts another,\n"
          "which continues where that one was: no message is lost, and writers and\n"
          "readers notice nothing. A message that crashes its plugin three times, or\n"
          "exceeds the handler's `timeout` three times, is dead-lettered in data_dir.\n"
          "Processes that a worker started end with it. Descriptors above 2 are closed at\n"
          "the start, except /dev/fd/N in place of a file.",
      .operands = {{.name = "CONFIG", .repeated = true}},
      .options = {plugins_option(),
                  control_option(
                      "listen for `standpipe stats` at this path instead of the default"),
                  {.name = "log-format",
                   .kind = Kind::choice,
                   .value = "FORMAT",
                   .summary = "how its messages are written on standard error",
                   .choices = {"text", "json", "journal"}},
                  {.name = "ignore-hangup", .summary = "keep running when its terminal is closed"},
                  {.name = "account",
                   .kind = Kind::file,
                   .value = "FILE",
                   .summary = "at the end, write the account to FILE, as JSON"},
                  {.name = "json",
                   .summary =
                       "at the end, print the account on standard output, as a line of JSON"}},
      .run = run_hub};
}

}  // namespace standpipe::cli
