// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "kit.h"
#include "places.h"

using namespace standpipe;
namespace fs = std::filesystem;

namespace {

std::string content(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::vector<std::string> cases(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".yaml" || entry.is_directory())
      names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

// Messages name the file as the user did, and folders in them must not depend on where the tests
// are.
std::string without_folder(std::string text, const std::string& folder,
                           const std::string& instead) {
  for (auto at = text.find(folder); at != std::string::npos; at = text.find(folder, at))
    text.replace(at, folder.size(), instead);
  return text;
}

}  // namespace

// Each bad/NAME.yaml, or folder bad/NAME, beside what is said of it, whole. STANDPIPE_GOLDEN=write
// makes the expectations anew: read them then.
TEST_CASE("mistakes are reported as the files beside them say") {
  const fs::path folder = places::data() + "/unit/config/bad";
  const bool write = std::getenv("STANDPIPE_GOLDEN") &&
                     std::string_view(std::getenv("STANDPIPE_GOLDEN")) == "write";
  const auto before = fs::current_path();
  fs::current_path(folder);
  const ConfigPlugins plugins;
  const auto names = cases(folder);
  REQUIRE(names.size() > 50);
  for (const auto& name : names) {
    plugin::Registry registry({plugins.folder().string()});
    const auto loaded = config::load_file(name, registry);
    const auto reported =
        without_folder(without_folder(rendered(loaded), fs::current_path().string(), "FOLDER"),
                       plugins.folder().string(), "PLUGINS");
    INFO(name);
    CHECK(!reported.empty());
    CHECK(loaded.ok() == name.starts_with("warnings"));
    const auto beside = fs::path(name).replace_extension(".stderr");
    if (write)
      std::ofstream(beside) << reported;
    else
      CHECK(reported == content(beside));
  }
  fs::current_path(before);
}
