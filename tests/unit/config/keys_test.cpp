// SPDX-License-Identifier: Apache-2.0
#include "config/keys.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>

#include "base/text.h"
#include "config/loader.h"
#include "plugin/registry.h"

using namespace standpipe;

namespace {

// A configuration with a key in each map that no map has: the loader answers with those that it has.
constexpr const char* kMistaken =
    "strange: 1\n"
    "sources:\n"
    "  in:\n"
    "    strange: 1\n"
    "    fifo: /tmp/in\n"
    "    framing: { strange: 1 }\n"
    "    log: { strange: 1 }\n"
    "handlers:\n"
    "  out:\n"
    "    strange: 1\n"
    "    plugin: print\n"
    "    queue: { strange: 1, type: none }\n"
    "    retry: { strange: 1, backoff: { strange: 1 } }\n"
    "routes:\n"
    "  - strange: 1\n"
    "    from: in\n"
    "    to: out\n"
    "    match: { strange: 1, text: { strange: 1 }, size: { strange: 1 } }\n";

std::vector<std::string> keys_in(const std::string& label) {
  std::vector<std::string> keys;
  auto rest = std::string_view(label);
  rest.remove_prefix(std::min(rest.size(), rest.find("keys: ") + 6));
  while (!rest.empty()) {
    const auto end = std::min(rest.find_first_of(",)"), rest.size());
    keys.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 2, rest.size()));
  }
  std::sort(keys.begin(), keys.end());
  return keys;
}

// The lists of keys that the loader knows, one a map.
std::multimap<std::string, int> known_to_the_loader() {
  plugin::Registry plugins({STANDPIPE_TEST_PLUGINS});
  std::multimap<std::string, int> known;
  for (const auto& d : config::load_text(kMistaken, "strange.yaml", plugins).diagnostics)
    if (d.message.find("'strange'") != std::string::npos) known.emplace(joined(keys_in(d.label), " "), 0);
  return known;
}

std::multimap<std::string, int> explained() {
  std::multimap<std::string, int> all;
  for (const auto& map : config::key_maps()) {
    std::vector<std::string> names;
    for (const auto& key : map.keys) names.emplace_back(key.name);
    std::sort(names.begin(), names.end());
    all.emplace(joined(names, " "), 0);
  }
  return all;
}

}  // namespace

TEST_CASE("the manual explains each key that a configuration may have, and no other") {
  CHECK(known_to_the_loader().size() == 12);
  CHECK(explained() == known_to_the_loader());
}

TEST_CASE("each key of the manual says how it is written and what it does") {
  for (const auto& map : config::key_maps())
    for (const auto& key : map.keys) {
      INFO(map.path << ' ' << key.name);
      CHECK_FALSE(key.value.empty());
      CHECK(key.summary.ends_with('.'));
    }
}
