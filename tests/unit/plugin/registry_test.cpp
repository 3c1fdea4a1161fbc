// SPDX-License-Identifier: Apache-2.0
#include "plugin/registry.h"

#include <sys/stat.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "base/failure.h"
#include "places.h"
#include "plugin/description.h"
#include "plugin/library.h"
#include "temporary_folder.h"

using namespace standpipe;

namespace {

const std::string kFixtures = places::fixtures();

std::string refusal(const std::string& name) {
  plugin::Registry registry({kFixtures});
  plugin::Refused why;
  CHECK(registry.find(name, why) == nullptr);
  return why.reason;
}

std::string in_folder(const std::string& name) { return kFixtures + "/" + name + ".so"; }

}  // namespace

TEST_CASE("a plugin is found by name, with what it says of itself") {
  plugin::Registry registry({"/nowhere", kFixtures, places::plugins()});
  plugin::Refused why;
  const auto* sound = registry.find("sound", why);
  REQUIRE(sound);
  CHECK(sound->summary == "a fixture");
  CHECK(sound->is_handler());
  REQUIRE(sound->options.size() == 2);
  CHECK(sound->options[0].name == "room");
  CHECK(sound->options[0].fallback == "64KiB");
  CHECK(registry.find("sound", why) == sound);
  REQUIRE(registry.find("print", why));
  CHECK(registry.find(in_folder("sound"), why) == sound);
}

TEST_CASE("options of a later SDK are read by their stride") {
  plugin::Registry registry({kFixtures});
  plugin::Refused why;
  const auto* wide = registry.find("wide_options", why);
  REQUIRE(wide);
  CHECK(wide->options[1].name == "tone");
}

TEST_CASE("a plugin offers a handler, a source, or both") {
  plugin::Registry registry({kFixtures});
  const auto offers = [&](const std::string& name) {
    plugin::Refused why;
    const auto* plugin = registry.find(name, why);
    REQUIRE(plugin);
    return std::pair(plugin->is_source(), plugin->is_handler());
  };
  CHECK(offers("sound") == std::pair(false, true));
  CHECK(offers("only_source") == std::pair(true, false));
  CHECK(offers("source_and_handler") == std::pair(true, true));
  CHECK(offers("hides_source") == std::pair(false, true));
  CHECK(offers("minor_0") == std::pair(false, true));
}

TEST_CASE("a plugin that needs minor 1 is refused by a host of minor 0, with both versions named") {
  const plugin::Library library(in_folder("needs_minor_1"));
  const auto& abi = *library.description();
  CHECK(plugin::read_description(abi, "needs_minor_1.so").name == "fixture");
  try {
    plugin::read_description(abi, "needs_minor_1.so", {.major = 1, .minor = 0});
    FAIL("it is not refused");
  } catch (const Failure& refused) {
    CHECK(std::string(refused.what()) ==
          "needs_minor_1.so: it needs plugin ABI 1.1, this router has 1.0");
    CHECK(refused.help() == "use a newer router");
  }
}

TEST_CASE("a plugin that is not there is reported with those that are") {
  const test::TemporaryFolder folder;
  for (const auto* name : {"print.so", "log.so", "readme.txt"})
    std::ofstream(folder / name) << "not loaded";
  plugin::Registry registry({folder.path()});
  plugin::Refused why;
  CHECK_FALSE(registry.find("biling", why));
  CHECK(why.reason == "unknown plugin 'biling'");
  CHECK(why.help == "plugins: log, print; searched in " + folder.path());
}

TEST_CASE("folders that were searched are named, with what is wrong with them") {
  plugin::Registry registry({"/nope", "/etc/passwd", "/nope/../no\x1bpe"});
  plugin::Refused why;
  CHECK_FALSE(registry.find("print", why));
  CHECK(why.help ==
        "there are no plugins; searched in /nope (no such folder), /etc/passwd (not a folder), "
        "/nope/../no\\x1bpe (no such folder)");
}

TEST_CASE("folders of a configuration are searched before the installation's alone") {
  using Folders = std::vector<std::string>;
  const auto installed = plugin::Registry::installed_folder();
  REQUIRE(plugin::Registry::default_folders().back() == installed);
  plugin::Registry plugins({"/asked", "/environment", installed});
  plugins.search_too({"/a", "/b"});
  CHECK(plugins.folders() == Folders{"/asked", "/environment", "/a", "/b", installed});
  plugins.search_too({"/c"});
  CHECK(plugins.folders() == Folders{"/asked", "/environment", "/c", installed});
  plugin::Registry elsewhere({"/asked"});
  elsewhere.search_too({"/a"});
  CHECK(elsewhere.folders() == Folders{"/asked", "/a"});
}

TEST_CASE("each broken plugin is refused for what is broken") {
  const auto at = [](const std::string& name) { return in_folder(name) + ": "; };
  CHECK(refusal("future_major") ==
        at("future_major") + "it needs plugin ABI 2.0, this router has 1.1");
  CHECK(refusal("future_minor") ==
        at("future_minor") + "it needs plugin ABI 1.7, this router has 1.1");
  CHECK(refusal("short_description") ==
        at("short_description") + "its description is shorter than in any version");
  CHECK(refusal("bad_name") ==
        at("bad_name") + "its name 'Fix ure' has more than lower-case letters, digits, _ and -");
  CHECK(refusal("wild_text") == at("wild_text") + "its summary is not a text");
  CHECK(refusal("not_utf8") == at("not_utf8") + "its summary is not UTF-8");
  CHECK(refusal("bad_default") ==
        at("bad_default") + "option 'room': its default: '64KiC' is not a size");
  CHECK(refusal("no_type") == at("no_type") + "option 'tone' has a type that does not exist");
  CHECK(refusal("twice_declared") == at("twice_declared") + "option 'room' is declared twice");
  CHECK(refusal("no_choices") == at("no_choices") + "option 'tone' has no choices");
  CHECK(refusal("lacks_handle") ==
        at("lacks_handle") + "its handler lacks create, handle or destroy");
  CHECK(refusal("lacks_poll") == at("lacks_poll") + "its source lacks create, poll or destroy");
  CHECK(refusal("short_source") ==
        at("short_source") + "its source is shorter than in any version");
  CHECK(refusal("many_options") == at("many_options") + "its options are no list");
  CHECK(refusal("crashes") == at("crashes") + "it crashed (SIGSEGV) when it was asked what it is");
  CHECK(refusal("exits") ==
        at("exits") + "it ended the process (exit 0) when it was asked what it is");
  CHECK(refusal("no_entry") ==
        in_folder("no_entry") + " is no Standpipe plugin: it does not export standpipe_plugin_v1");
  CHECK(refusal("no_description") ==
        in_folder("no_description") + " is a broken plugin: standpipe_plugin_v1 returned nothing");
}

TEST_CASE("a missing symbol is an error at loading, with the loader's words") {
  CHECK(refusal("undefined_symbol") == in_folder("undefined_symbol") +
                                           " cannot be loaded: " + in_folder("undefined_symbol") +
                                           ": undefined symbol: nobody_has_this");
}

// The loader would end the process by SIGBUS, or wait for a writer.
TEST_CASE(
    "a plugin that was truncated, a FIFO, a folder and a link to nowhere are refused before they "
    "are loaded") {
  const test::TemporaryFolder folder;
  std::ifstream whole(places::plugins() + "/log.so", std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(whole), {}};
  REQUIRE(bytes.size() > 50'000);
  for (const std::size_t size : {0, 10, 64, 200, 5'000, 50'000}) {
    std::ofstream(folder / "cut.so", std::ios::binary) << bytes.substr(0, size);
    plugin::Registry registry({folder.path()});
    plugin::Refused why;
    CHECK_FALSE(registry.find("cut", why));
    const std::string expected =
        size < 64 ? "it is not a shared object of this machine" : "it is truncated: ";
    CHECK(why.reason.find((folder / "cut.so") + " cannot be loaded: " + expected) == 0);
  }
  ::mkfifo((folder / "fifo.so").c_str(), 0600);
  ::mkdir((folder / "folder.so").c_str(), 0700);
  std::filesystem::create_symlink("nowhere", folder / "link.so");
  plugin::Registry registry({folder.path()});
  for (const auto& [name, reason] :
       std::map<std::string, std::string>{{"fifo", "it is not a regular file"},
                                          {"folder", "it is not a regular file"},
                                          {"link", "No such file or directory"}}) {
    plugin::Refused why;
    CHECK_FALSE(registry.find(name, why));
    CHECK(why.reason == (folder / (name + ".so")) + " cannot be loaded: " + reason);
  }
}

TEST_CASE("a file that is no shared object is refused") {
  const std::string path = "./not-a-plugin.so";
  std::ofstream(path) << "#!/bin/sh\n";
  plugin::Registry registry({"."});
  plugin::Refused why;
  CHECK_FALSE(registry.find("not-a-plugin", why));
  CHECK(why.reason.find("cannot be loaded") != std::string::npos);
  const auto names = registry.names();
  CHECK(std::find(names.begin(), names.end(), "not-a-plugin") != names.end());
  std::remove(path.c_str());
}
