// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>

#include <cerrno>
#include <cstdlib>

#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/configuration.h"
#include "cli/control_socket.h"
#include "cli/interruption.h"
#include "config/loader.h"
#include "control/server.h"
#include "keeper/notify.h"
#include "worker/hub.h"
#include "worker/report.h"

namespace standpipe::cli {
namespace {

// Opened before the hub starts: a path that cannot be written is told at once, not after a day's work.
Fd open_account(const std::optional<std::string>& path) {
  if (!path) return Fd();
  Fd file(::open(path->c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0644));
  if (!file) throw Failure::system("write the account to " + *path, errno);
  return file;
}

void write_account(const Fd& file, const std::optional<std::string>& path, std::string_view json) {
  while (file && !json.empty()) {
    const auto n = ::write(file.get(), json.data(), json.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw Failure::system("write the account to " + *path, errno);
    json.remove_prefix(static_cast<std::size_t>(n));
  }
}

constexpr Nanoseconds kOpenMax = std::chrono::seconds(5);  // a handler that takes longer to open is not waited for

void tell_ready(Reporter& reporter, Nanoseconds began, const std::string& control, const std::vector<std::string>& not_ready) {
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(steady_now() - began);
  reporter.info("ready in " + std::to_string(took.count()) + " ms" + (control.empty() ? "" : ", control socket " + control) +
                (not_ready.empty() ? "" : ", but not: " + joined(not_ready, ", ")));
  if (const auto problem = keeper::notify_service_manager("READY=1"); !problem.empty()) reporter.warning("notify", problem);
}

void tell_account(const deliver::Account& account, const Arguments& arguments, const Fd& file, Streams& streams) {
  streams.err.print_if_it_moves(account.text());
  write_account(file, arguments.text("account"), account.json());
  if (arguments.has("json")) streams.out.write(account.json());
  streams.out.flush();
}

Status run_hub(const Arguments& arguments, Streams& streams) {
  const auto began = steady_now();
  plugin::Registry plugins(plugin_folders(arguments));
  const auto loaded = config::load_file(arguments.operands()[0], plugins);
  for (const auto& d : loaded.diagnostics) streams.err.say(d);
  if (!loaded.ok()) return Status::wrong_configuration;

  const auto account_file = open_account(arguments.text("account"));
  const SystemClock clock;
  StreamReporter reporter(streams.err.fd());
  reporter.info(inventory(loaded.hub) + "; at most " + size_text(loaded.hub.memory_max) + " of messages in memory");
  auto listener = listen_for_control(arguments, reporter);
  const auto control = listener ? listener->path() : "";
  worker::Hub hub(loaded.hub, clock, reporter);
  const worker::Facts facts{.file = loaded.hub.file, .since = clock.wall()};
  std::optional<control::Server> server;
  if (listener) {
    server.emplace(std::move(*listener), clock, [&](std::string_view request) { return worker::answer(request, hub, facts); });
    hub.serve(*server);
  }
  tell_ready(reporter, began, control, hub.start(kOpenMax));
  hub.run();
  server.reset();  // whoever asks from now on learns that no hub is there
  tell_account(hub.account(), arguments, account_file, streams);
  // A plugin that did not come back still uses what would be torn down now.
  if (hub.abandoned()) std::_Exit(static_cast<int>(Status::done));
  return Status::done;
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
              "(NOTIFY_SOCKET). At SIGTERM or Ctrl-C it delivers what was written until then, for at most\n"
              "drain_timeout, says the account and ends with status 0; a second one makes it end at once.\n"
              "SIGUSR1 makes handlers open their files anew.",
          .operands = {{.name = "CONFIG"}},
          .options = {plugins_option(),
                      control_option("listen there for `standpipe stats`, instead of under $XDG_RUNTIME_DIR or /run/standpipe"),
                      {.name = "account",
                       .kind = Kind::file,
                       .value = "FILE",
                       .summary = "at the end, write the account to FILE, as JSON"},
                      {.name = "json", .summary = "at the end, print the account on standard output, as a line of JSON"}},
          .run = run_hub};
}

}  // namespace standpipe::cli
