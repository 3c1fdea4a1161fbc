// SPDX-License-Identifier: Apache-2.0
#include "config/paths.h"

#include <limits.h>

#include <catch2/catch.hpp>
#include <map>
#include <string>

using namespace standpipe;
using namespace standpipe::config;

namespace {

using Environment = std::map<std::string, std::string>;

std::string data_dir(const Environment& environment, bool is_root = false) {
  const auto lookup = [&](const std::string& name) -> std::optional<std::string> {
    const auto at = environment.find(name);
    return at == environment.end() ? std::nullopt : std::optional(at->second);
  };
  const auto path = default_data_dir(lookup, is_root, "/etc/hub.yaml");
  CHECK(path.ends_with('/' + name_for("/etc/hub.yaml")));
  return path.substr(0, path.rfind('/'));
}

}  // namespace

TEST_CASE("state lies where the service manager, the user or the system keeps it, in this order") {
  CHECK(data_dir({{"STATE_DIRECTORY", "/s/one:/s/two"}, {"XDG_STATE_HOME", "/x"}}) == "/s/one");
  CHECK(data_dir({{"XDG_STATE_HOME", "/x"}, {"HOME", "/home/ann"}}) == "/x/standpipe");
  CHECK(data_dir({{"HOME", "/home/ann"}}) == "/home/ann/.local/state/standpipe");
  CHECK(data_dir({{"HOME", "/root"}}, true) == "/var/lib/standpipe");
  CHECK(data_dir({}) == "/var/lib/standpipe");
}

TEST_CASE("a relative path in the environment is none, as the specifications say") {
  CHECK(data_dir({{"STATE_DIRECTORY", "one"}, {"XDG_STATE_HOME", "x"}, {"HOME", "home"}}) ==
        "/var/lib/standpipe");
}

TEST_CASE("a configuration's name says its file, and where that lies") {
  const auto name = name_for("/etc/hub.yaml");
  CHECK(name.starts_with("hub-"));
  CHECK(name.size() == 4 + 8);
  CHECK(name == name_for("/etc/../etc/./hub.yaml"));
  CHECK(name != name_for("/srv/hub.yaml"));
  CHECK(name_for("/etc/hub.d") == name_for("/etc/hub.d/"));  // a folder
}

TEST_CASE("relative paths are taken from the file's folder") {
  CHECK(folder_of("/etc/standpipe/hub.yaml") == "/etc/standpipe");
  CHECK(folder_of("/hub.yaml") == "/");
  CHECK(absolute_path("/a/../b/./c") == "/b/c");
  CHECK(absolute_path("x").starts_with('/'));
}

TEST_CASE("a path that no FIFO can have is refused before the disk is asked") {
  CHECK_FALSE(path_problem("/run/in"));
  CHECK_FALSE(path_problem('/' + std::string(NAME_MAX, 'a')));
  CHECK(path_problem('/' + std::string(NAME_MAX + 1, 'a')) ==
        "has a name longer than a file may have");
  std::string deep;
  while (deep.size() < PATH_MAX) deep += "/abc";
  CHECK(path_problem(deep) == "is longer than a path may be");
  CHECK(path_problem("/run/") == "is a folder");
}
