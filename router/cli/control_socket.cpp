// SPDX-License-Identifier: Apache-2.0
#include "cli/control_socket.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/failure.h"
#include "base/reporter.h"
#include "base/text.h"
#include "cli/status.h"
#include "config/paths.h"
#include "control/client.h"
#include "control/socket_folder.h"

namespace standpipe::cli {
namespace {

using control::Environment;

// Long enough for a busy hub, and short enough when one of many hubs hangs.
constexpr Nanoseconds kConnectTimeout = std::chrono::seconds(2);
constexpr const char* kElsewhere =
    "start one: standpipe run CONFIG; one with a control socket elsewhere: --control PATH";

std::string socket_of(const std::string& configuration) {
  return control::socket_name(config::name_for(configuration));
}

std::optional<control::Listener> listen_at_default(const std::string& configuration,
                                                   Reporter& reporter) try {
  const auto folder = control::folder_to_listen_in(Environment::of_this_process());
  control::make_private_folder(folder);
  const auto path = folder + '/' + socket_of(configuration);
  auto listener = control::Listener::at(path);
  if (!listener)
    reporter.say(
        {.severity = Severity::info,
         .code = "control",
         .message = "another hub has the control socket " + path + "; this one runs without",
         .help = {"to ask this one too (standpipe stats), give it another: --control PATH"}});
  return listener;
} catch (const Failure& failure) {
  reporter.warning("control", std::string("no control socket: ") + failure.what(), failure.help());
  return std::nullopt;
}

// What was found: the hubs that answer, and the first one that exists and could not be asked.
struct Found {
  std::vector<std::pair<std::string, control::Client>> hubs;
  std::optional<Failure> trouble;

  void try_connect(const std::string& path) {
    try {
      if (auto client = control::Client::connect(path, kConnectTimeout))
        hubs.emplace_back(path, std::move(*client));
    } catch (const Failure& failure) {
      if (!trouble) trouble = failure;
    }
  }
};

Found find_hubs(const std::vector<std::string>& folders) {
  Found found;
  for (const auto& folder : folders)
    for (const auto& path : control::sockets_in(folder)) found.try_connect(path);
  return found;
}

Failure none_answers(const std::vector<std::string>& places, const Found& found) {
  std::string help = kElsewhere;
  if (found.trouble) help = std::string(found.trouble->what()) + "; " + help;
  return Failure("no hub answers at " + joined(places, ", "), help);
}

Failure several(const Found& found) {
  std::vector<std::string> paths;
  for (const auto& [path, client] : found.hubs) paths.push_back(path);
  return Failure(counted(paths.size(), "hub") + " run: " + joined(paths, ", "),
                 "say which: its configuration (CONFIG), or its socket (--control PATH)");
}

std::string ask_hub_of(const std::string& configuration, std::string_view request) {
  std::vector<std::string> paths;
  Found found;
  const auto name = '/' + socket_of(configuration);
  for (const auto& folder : control::folders_to_ask_in(Environment::of_this_process())) {
    paths.push_back(folder + name);
    for (const auto& path : control::sockets_in(folder))
      if (path.ends_with(name)) found.try_connect(path);
  }
  if (found.hubs.empty()) throw none_answers(paths, found);
  return found.hubs.front().second.ask(request);
}

std::string ask_the_only_hub(std::string_view request) {
  const auto folders = control::folders_to_ask_in(Environment::of_this_process());
  auto found = find_hubs(folders);
  if (found.hubs.size() > 1) throw several(found);
  if (!found.hubs.empty()) return found.hubs.front().second.ask(request);
  std::vector<std::string> places;
  for (const auto& folder : folders) places.push_back(folder + "/control*");
  throw none_answers(places, found);
}

}  // namespace

Option control_option(std::string_view summary) {
  return {.name = "control", .kind = Kind::file, .value = "PATH", .summary = summary};
}

std::optional<control::Listener> listen_for_control(const Arguments& arguments,
                                                    Reporter& reporter) {
  const auto path = arguments.text("control");
  if (!path) return listen_at_default(arguments.operands()[0], reporter);
  auto listener = control::Listener::at(*path);
  if (!listener)
    throw Failure("another hub has the control socket " + *path,
                  "stop that one, or choose another path: --control PATH");
  return listener;
}

std::string ask_hub(const Arguments& arguments, std::string_view request, std::size_t config_at) {
  const auto path = arguments.text("control");
  const bool has_config = arguments.operands().size() > config_at;
  if (!path)
    return has_config ? ask_hub_of(arguments.operands()[config_at], request)
                      : ask_the_only_hub(request);
  if (has_config)
    throw WrongUsage("a hub is named by its configuration or by --control, not by both",
                     "leave one out");
  if (auto client = control::Client::connect(*path)) return client->ask(request);
  throw Failure("no hub answers at " + *path, kElsewhere);
}

}  // namespace standpipe::cli
