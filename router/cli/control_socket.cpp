// SPDX-License-Identifier: Apache-2.0
#include "cli/control_socket.h"

#include "base/failure.h"
#include "base/reporter.h"
#include "control/client.h"
#include "control/place.h"

namespace standpipe::cli {
namespace {

std::optional<control::Listener> listen_at_default(Reporter& reporter) try {
  const auto path = control::default_paths().front();
  control::make_private_folder(control::folder_of(path));
  auto listener = control::Listener::at(path);
  if (!listener)
    reporter.say({.severity = Severity::info,
                  .code = "control",
                  .message = "another hub has the control socket " + path + "; this one runs without",
                  .help = {"to ask this one too (standpipe stats), give it another: --control PATH"}});
  return listener;
} catch (const Failure& failure) {
  reporter.warning("control", std::string("no control socket: ") + failure.what(), failure.help());
  return std::nullopt;
}

}  // namespace

Option control_option(std::string_view summary) {
  return {.name = "control", .kind = Kind::file, .value = "PATH", .summary = summary};
}

std::optional<control::Listener> listen_for_control(const Arguments& arguments, Reporter& reporter) {
  const auto path = arguments.text("control");
  if (!path) return listen_at_default(reporter);
  auto listener = control::Listener::at(*path);
  if (!listener)
    throw Failure("another hub has the control socket " + *path, "stop that one, or choose another path: --control PATH");
  return listener;
}

std::string ask_hub(const Arguments& arguments, std::string_view request) {
  const auto path = arguments.text("control");
  const auto paths = path ? std::vector<std::string>{*path} : control::default_paths();
  for (const auto& p : paths)
    if (auto client = control::Client::connect(p)) return client->ask(request);
  throw Failure("no hub answers at " + paths.front(),
                "start one: standpipe run CONFIG; one with a control socket elsewhere: --control PATH");
}

}  // namespace standpipe::cli
