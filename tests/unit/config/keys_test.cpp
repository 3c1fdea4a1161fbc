// SPDX-License-Identifier: Apache-2.0
#include "config/keys.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <map>
#include <set>

#include "base/text.h"
#include "config/loader.h"
#include "places.h"
#include "plugin/registry.h"
#include "temporary_folder.h"

using namespace standpipe;

namespace {

// A configuration with a key in each map that no map has: the loader answers with those that it
// has.
constexpr const char* kMistaken =
    "strange: 1\n"
    "dead_letters: { strange: 1 }\n"
    "sources:\n"
    "  in:\n"
    "    strange: 1\n"
    "    fifo: /tmp/in\n"
    "    rate_limit: { strange: 1, per_second: 1 }\n"
    "    framing: { strange: 1 }\n"
    "    log: { strange: 1 }\n"
    "  brought:\n"
    "    plugin: replay\n"
    "    retry: { strange: 1, backoff: { strange: 1 } }\n"
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
    "    match: { strange: 1, text: { strange: 1 }, size: { strange: 1 },\n"
    "      json: { /a: { strange: 1 } }, meta: { a: { strange: 1 } } }\n"
    "tests:\n"
    "  - strange: 1\n"
    "    send: [{ strange: 1, source: in, text: x }, { source: in, raw: { strange: 1, text: x } "
    "}]\n"
    "    fail: { strange: 1, handler: out, with: retry }\n"
    "    expect: { out: { strange: 1 } }\n";

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

// Those that come with the program, and a source plugin of the name that examples have.
class Folders {
 public:
  Folders() {
    std::filesystem::create_symlink(places::config_plugins() + "/bringing.so",
                                    temporary_ / "replay.so");
  }
  std::vector<std::string> list() const { return {places::plugins(), temporary_.path()}; }

 private:
  test::TemporaryFolder temporary_;
};

const std::vector<std::string>& folders() {
  static const Folders all;
  static const auto list = all.list();
  return list;
}

// The lists of keys that the loader knows, one a map.
std::multiset<std::string> known_to_the_loader() {
  plugin::Registry plugins(folders());
  std::multiset<std::string> known;
  for (const auto& d : config::load_text(kMistaken, "strange.yaml", plugins).diagnostics)
    if (d.message.find("'strange'") != std::string::npos)
      known.insert(joined(keys_in(d.label), " "));
  return known;
}

std::multiset<std::string> explained() {
  std::multiset<std::string> all;
  for (const auto& map : config::key_maps()) {
    std::vector<std::string> names;
    for (const auto& key : map.keys) names.emplace_back(key.name);
    std::sort(names.begin(), names.end());
    all.insert(joined(names, " "));
  }
  return all;
}

// Where a line `KEY: VALUE` of each map goes, in a configuration that is right without it. `<<`
// brings what else there must be, unless the line gives it.
const std::map<std::string_view, std::string> kPlaces = {
    {"",
     "<<: { sources: { orders: { fifo: /run/orders } }, handlers: { screen: { plugin: print } }, "
     "routes: [{ from: orders, to: screen }] }\n@\n"},
    {"dead_letters", "dead_letters: { @ }\n"},
    {"sources.NAME", "sources: { orders: { <<: { fifo: /run/orders }, @ } }\n"},
    {"sources.NAME of a plugin",
     "sources: { orders: { <<: { plugin: replay, options: { path: a }, isolation: process }, @ } "
     "}\n"},
    {"sources.NAME.retry",
     "sources: { orders: { plugin: replay, options: { path: a }, retry: { @ } } }\n"},
    {"sources.NAME.retry.backoff",
     "sources: { orders: { plugin: replay, options: { path: a }, retry: { backoff: { <<: { "
     "initial: "
     "1ms, max: 1d }, @ } } } }\n"},
    {"sources.NAME.framing", "sources: { orders: { fifo: /run/orders, framing: { @ } } }\n"},
    {"sources.NAME.log", "sources: { orders: { fifo: /run/orders, log: { @ } } }\n"},
    {"sources.NAME.rate_limit",
     "sources: { orders: { fifo: /run/orders, rate_limit: { <<: { per_second: 1 }, @ } } }\n"},
    {"handlers.NAME", "handlers: { screen: { <<: { plugin: print, isolation: process }, @ } }\n"},
    {"handlers.NAME.retry", "handlers: { screen: { plugin: print, retry: { @ } } }\n"},
    {"handlers.NAME.retry.backoff",
     "handlers: { screen: { plugin: print, retry: { backoff: { <<: { initial: 1ms, max: 1d }, @ } "
     "} } }\n"},
    {"handlers.NAME.queue",
     "handlers: { screen: { plugin: print, queue: { <<: { type: disk }, @ } } }\n"},
    {"routes[]", "routes: [{ <<: { from: orders, to: screen }, @ }]\n"},
    {"routes[].match", "routes: [{ from: orders, to: screen, match: { @ } }]\n"},
    {"routes[].match.text", "routes: [{ from: orders, to: screen, match: { text: { @ } } }]\n"},
    {"routes[].match.size", "routes: [{ from: orders, to: screen, match: { size: { @ } } }]\n"},
    {"routes[].match.json.POINTER",
     "routes: [{ from: orders, to: screen, match: { json: { /a: { @ } } } }]\n"},
    {"routes[].match.meta.NAME",
     "routes: [{ from: orders, to: screen, match: { meta: { fifo: { @ } } } }]\n"},
    {"tests[]",
     "tests: [{ <<: { send: { source: orders, text: x }, expect: { screen: 1 } }, @ }]\n"},
    {"tests[].send", "tests: [{ send: { <<: { source: orders }, @ }, expect: { screen: 1 } }]\n"},
    {"tests[].send source", "tests: [{ send: { text: x, @ }, expect: { screen: 1 } }]\n"},
    {"tests[].send meta",
     "tests: [{ send: { source: orders, text: x, @ }, expect: { screen: 1 } }]\n"},
    {"tests[].send.raw",
     "tests: [{ send: { source: orders, raw: { @ } }, expect: { screen: 1 } }]\n"},
    {"tests[].fail",
     "tests: [{ send: { source: orders, text: x }, fail: { <<: { handler: screen, with: retry }, @ "
     "}, expect: { screen: 1 } }]\n"},
    {"tests[].expect.NAME",
     "tests: [{ send: { source: orders, text: x }, expect: { screen: { @ } } }]\n"},
};

// Of sources, some are for those with a plugin.
const std::set<std::string> kOfSourcePlugins = {
    "plugin", "sha256", "options", "ack", "isolation", "memory_max", "user", "timeout", "retry"};

std::string place_of(const config::KeyMap& map, const std::string& key) {
  const auto path = std::string(map.path);
  if (path == "sources.NAME" && kOfSourcePlugins.contains(key)) return path + " of a plugin";
  return kPlaces.contains(path + ' ' + key) ? path + ' ' + key : path;
}

// A configuration that is right, with that line in that map.
std::string configuration_with(const config::KeyMap& map, const std::string& line) {
  const auto place = kPlaces.find(place_of(map, line.substr(0, line.find(':'))));
  INFO(map.path);
  REQUIRE(place != kPlaces.end());
  auto text = place->second;
  text.replace(text.find('@'), 1, line);
  for (const auto* rest :
       {"sources: { orders: { fifo: /run/orders } }\n", "handlers: { screen: { plugin: print } }\n",
        "routes: [{ from: orders, to: screen }]\n"})
    if (const auto key = std::string_view(rest).substr(0, std::string_view(rest).find(' '));
        !map.path.empty() && !text.starts_with(key))
      text += rest;
  return text;
}

std::string codes_of(const config::KeyMap& map, const config::Key& key, std::string_view value) {
  plugin::Registry plugins(folders());
  const auto text = configuration_with(map, std::string(key.name) + ": " + std::string(value));
  std::string codes;
  for (const auto& d : config::load_text(text, "/etc/k.yaml", plugins).diagnostics)
    if (d.severity == Severity::error) codes += d.code + ' ' + d.message + ' ' + d.label + '\n';
  return codes;
}

// After the brace that closes the first one from there on.
std::size_t end_of_map(const std::string& text, std::size_t from) {
  int depth = 0;
  for (auto at = text.find('{', from); at < text.size(); ++at) {
    if (text[at] == '{') ++depth;
    if (text[at] == '}' && --depth == 0) return at + 1;
  }
  return text.size();
}

std::string beyond(const std::string& limit, bool is_most) {
  const auto digits = std::min(limit.find_first_not_of("0123456789"), limit.size());
  const auto number = std::stoll(limit.substr(0, digits));
  if (!is_most && number == 0) return {};  // nothing is written that is less
  if (is_most) return std::to_string(number + 1) + limit.substr(digits);
  const auto whole = limit.substr(digits);  // one of the next smaller unit
  return (whole == "B" || whole.empty() ? "0" : "0.5") + whole;
}

}  // namespace

TEST_CASE("the manual explains each key that a configuration may have, and no other") {
  CHECK(known_to_the_loader().size() == 23);
  CHECK(explained() == known_to_the_loader());
}

TEST_CASE("each key of the manual says how it is written and what it does") {
  for (const auto& map : config::key_maps())
    for (const auto& key : map.keys) {
      INFO(map.path << ' ' << key.name);
      CHECK_FALSE(key.value.empty());
      CHECK(key.summary.ends_with('.'));
      CHECK(key.example.empty() == (key.effect == config::Effect::later));
    }
}

TEST_CASE("each key's example is accepted where the key stands, and what is for later is not") {
  for (const auto& map : config::key_maps())
    for (const auto& key : map.keys) {
      INFO(map.path << ' ' << key.name);
      const bool later = key.effect == config::Effect::later;
      const auto codes = codes_of(map, key, later ? "1" : key.example);
      if (key.name == "sha256")  // which no plugin has
        CHECK_THAT(codes, Catch::StartsWith("refused-plugin"));
      else
        CHECK(codes.empty() == !later);
    }
}

TEST_CASE("a key that is declared to be required is missed where it is missing, and no other") {
  for (const auto& map : config::key_maps()) {
    if (map.path.empty()) continue;  // golden mistakes miss its sections
    for (const auto& key : map.keys) {
      plugin::Registry plugins(folders());
      auto without = configuration_with(map, "x-nothing: 1");
      if (const auto merge = without.find("<<: {"); merge != std::string::npos)
        without.replace(merge, end_of_map(without, merge) - merge, "x-else: 1");
      bool missed = false;
      for (const auto& d : config::load_text(without, "/etc/k.yaml", plugins).diagnostics)
        missed |= d.code == "missing-key" &&
                  d.message.find("no '" + std::string(key.name) + "'") != std::string::npos;
      INFO(map.path << ' ' << key.name);
      CHECK(missed == key.required);
    }
  }
}

TEST_CASE("each key's limits are those of the loader") {
  std::size_t tried = 0;
  for (const auto& map : config::key_maps())
    for (const auto& key : map.keys) {
      if (key.value != "SIZE" && key.value != "DURATION" && key.value != "NUMBER") continue;
      for (const bool is_most : {false, true}) {
        const auto& limit = is_most ? key.most : key.least;
        if (limit.empty()) continue;
        INFO(map.path << ' ' << key.name << ' ' << limit);
        CHECK(codes_of(map, key, limit).find("'" + std::string(key.name) + "' is out of range") ==
              std::string::npos);
        const auto outside = beyond(limit, is_most);
        if (outside.empty()) continue;
        CHECK(codes_of(map, key, outside).find("must be from " + key.least + " to " + key.most) !=
              std::string::npos);
        ++tried;
      }
    }
  CHECK(tried >= 14);
}
