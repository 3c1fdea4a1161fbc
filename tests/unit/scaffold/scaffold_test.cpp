// SPDX-License-Identifier: Apache-2.0
#include "scaffold/scaffold.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/failure.h"
#include "temporary_folder.h"

using namespace standpipe;
using namespace standpipe::scaffold;

namespace {

using Names = std::vector<std::string>;

std::string content(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

Names names_of(const std::string& language, const std::string& kind) {
  Names names;
  for (const auto& made : files_for("mine", language, kind)) names.push_back(made.name);
  return names;
}

std::string content_of(const std::string& language, const std::string& kind,
                       const std::string& file) {
  for (const auto& made : files_for("mine", language, kind))
    if (made.name == file) return made.content;
  return {};
}

}  // namespace

TEST_CASE("a name is one that files, targets and classes can have") {
  CHECK_FALSE(name_problem("shout"));
  CHECK_FALSE(name_problem("word-count_2"));
  for (const auto* bad : {"", "Shout", "a b", "../x", "a/b", "caf\xc3\xa9", "2nd", "-x", "test"}) {
    INFO(bad);
    REQUIRE(name_problem(bad));
    CHECK_FALSE(name_problem(bad)->help.empty());
  }
  CHECK(name_problem(std::string(65, 'a'))->what == "is too long");
}

TEST_CASE("a class is called as its plugin is") {
  CHECK(class_name("shout") == "Shout");
  CHECK(class_name("word-count_2x") == "WordCount2x");
}

TEST_CASE("a folder has all that it takes, with the plugin's name in it") {
  const test::TemporaryFolder folder;
  const auto made = folder / "word-count";
  CHECK(write("word-count", "cpp", "handler", made) == Names{"CMakeLists.txt", "Makefile",
                                                             "README.md", "test.cpp",
                                                             "word-count.cpp", "word-count.yaml"});
  CHECK(content(made + "/word-count.cpp").find("STANDPIPE_PLUGIN(WordCount)") != std::string::npos);
  CHECK(write("mine", "c", "handler", folder / "mine") ==
        Names{"CMakeLists.txt", "Makefile", "README.md", "mine.c", "mine.yaml", "test.cpp"});
  CHECK(write("snake", "python", "handler", folder / "snake") ==
        Names{"Makefile", "README.md", "snake.yaml", "snake_plugin.py", "test.py"});
  CHECK(write("shell", "any", "handler", folder / "shell") ==
        Names{"Makefile", "README.md", "shell.sh", "shell.yaml", "test.sh"});
  CHECK(::access((folder / "shell/shell.sh").c_str(), X_OK) == 0);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path()))
    for (const auto* placeholder : {"PLUGIN_NAME", "PLUGIN_CLASS", "PLUGIN_SOURCE"})
      if (entry.is_regular_file())
        CHECK(content(entry.path().string()).find(placeholder) == std::string::npos);
}

TEST_CASE("a source and a transform have texts of their own, and are built as a handler is") {
  struct Language {
    std::string name;
    Names own;
    Names of_handler;
  };
  const Language languages[] = {
      {"cpp", {"README.md", "mine.cpp", "mine.yaml", "test.cpp"}, {"CMakeLists.txt", "Makefile"}},
      {"c", {"README.md", "mine.c", "mine.yaml", "test.cpp"}, {"CMakeLists.txt", "Makefile"}},
      {"python", {"README.md", "mine.yaml", "mine_plugin.py", "test.py"}, {"Makefile"}},
      {"any", {"README.md", "mine.sh", "mine.yaml", "test.sh"}, {"Makefile"}}};
  for (const std::string kind : {"source", "transform"}) {
    for (const auto& language : languages) {
      INFO(kind << " in " << language.name);
      CHECK(names_of(language.name, kind) == names_of(language.name, "handler"));
      for (const auto& file : language.of_handler)
        CHECK(content_of(language.name, kind, file) == content_of(language.name, "handler", file));
      for (const auto& file : language.own) {
        INFO(file);
        const auto text = content_of(language.name, kind, file);
        CHECK_FALSE(text.empty());
        CHECK(text != content_of(language.name, "handler", file));
        CHECK(text.find("PLUGIN_") == std::string::npos);
      }
    }
    CHECK(content_of("c", kind, "test.cpp") == content_of("cpp", kind, "test.cpp"));
  }
}

TEST_CASE("nothing is overwritten") {
  const test::TemporaryFolder folder;
  const auto made = folder / "mine";
  std::filesystem::create_directory(made);
  CHECK_THROWS_AS(write("mine", "cpp", "handler", made), Failure);
  CHECK(std::filesystem::is_empty(made));
  CHECK_THROWS_AS(write("mine", "cpp", "handler", folder / "missing/mine"), Failure);
}
