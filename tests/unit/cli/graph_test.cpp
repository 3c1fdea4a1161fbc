// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "console.h"
#include "places.h"
#include "temporary_folder.h"

using kit::Console;
namespace fs = std::filesystem;

namespace {

const fs::path kFolder = places::data() + "/unit/cli/graph";

std::string content(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

int graph(Console& c, const std::string& format, const std::string& name = "orders") {
  return c.run({"graph", (kFolder / (name + ".yaml")).string(), "--plugins", places::plugins(),
                "--plugins", places::config_plugins(), "--format", format});
}

// Finds programs in one folder alone while it lives.
class OnlyPath {
 public:
  explicit OnlyPath(const std::string& folder) { ::setenv("PATH", folder.c_str(), 1); }
  ~OnlyPath() { ::setenv("PATH", before_.c_str(), 1); }
  OnlyPath(const OnlyPath&) = delete;
  OnlyPath& operator=(const OnlyPath&) = delete;

 private:
  std::string before_ = std::getenv("PATH");
};

}  // namespace

// STANDPIPE_GOLDEN=write makes the expectations anew: read them then.
TEST_CASE("a graph is drawn as written down beside its configuration") {
  const bool write = std::getenv("STANDPIPE_GOLDEN") != nullptr;
  for (const std::string name : {"orders", "emitting"})
    for (const std::string format : {"text", "mermaid", "dot"}) {
      INFO(name << ' ' << format);
      Console c;
      CHECK(graph(c, format, name) == 0);
      CHECK(c.err().empty());
      const auto golden = kFolder / (name + '.' + format);
      if (write) std::ofstream(golden) << c.out();
      CHECK(c.out() == content(golden));
    }
}

TEST_CASE("for programs it is one object on one line") {
  Console c;
  CHECK(c.run({"graph", (kFolder / "orders.yaml").string(), "--plugins", places::plugins(),
               "--json"}) == 0);
  CHECK(c.out().find('\n') == c.out().size() - 1);
  CHECK_THAT(c.out(),
             Catch::StartsWith(R"({"sources":[{"name":"orders","fifo":"/run/standpipe/orders",)") &&
                 Catch::Contains(R"({"name":"silent","from":["orders"],"condition":)") &&
                 Catch::Contains(
                     R"("to":["screen","archive"],"final":false,"hidden_by":"noise \"here\""})") &&
                 Catch::Contains(
                     R"({"name":"again","plugin":"forward","paths":["/run/standpipe/more"],)") &&
                 Catch::Contains(R"("used":true,"feeds":["more"],"emits":false})") &&
                 Catch::EndsWith("\"unmatched\":null}\n"));
  Console both;
  CHECK(both.run({"graph", (kFolder / "orders.yaml").string(), "--json", "--format", "dot"}) == 2);
}

TEST_CASE("where unmatched messages are kept is drawn as no handler") {
  const test::TemporaryFolder folder;
  std::ofstream(folder / "t.yaml")
      << "sources: { in: { fifo: in } }\n"
         "handlers: { screen: { plugin: print } }\n"
         "routes: [{ from: in, match: { size: { gt: 9 } }, to: screen }]\n"
         "unmatched: dead_letter\n";
  const auto drawn = [&](std::vector<std::string> words) {
    Console c;
    words.insert(words.begin(), {"graph", folder / "t.yaml", "--plugins", places::plugins()});
    CHECK(c.run(words) == 0);
    return c.out();
  };
  const std::string kept = "kept in the data folder, with the reason no_route";
  CHECK_THAT(drawn({"--format", "text"}), Catch::EndsWith("\ndead_letter\n  (" + kept + ")\n"));
  CHECK_THAT(drawn({"--format", "mermaid"}),
             Catch::Contains("h1[\"dead_letter<br>" + kept + "\"]\n"));
  CHECK_THAT(drawn({"--format", "dot"}),
             Catch::Contains("[label=\"dead_letter\\n" + kept + "\", shape=box]"));
  CHECK_THAT(drawn({"--json"}), Catch::Contains(R"("name":"dead_letter","plugin":null,)"));
}

TEST_CASE("for programs a source says what brings its messages") {
  Console c;
  CHECK(c.run({"graph", (kFolder / "emitting.yaml").string(), "--plugins", places::plugins(),
               "--plugins", places::config_plugins(), "--json"}) == 0);
  CHECK_THAT(
      c.out(),
      Catch::Contains(
          R"("orders","fifo":"/run/standpipe/orders","plugin":null,"emitted":false,)") &&
          Catch::Contains(R"("readings","fifo":null,"plugin":"bringing","emitted":false,)") &&
          Catch::Contains(R"("split","fifo":null,"plugin":null,"emitted":true,)") &&
          Catch::Contains(R"("name":"large","from":["split"],)") &&
          Catch::Contains(R"("used":true,"feeds":[],"emits":true})"));
}

TEST_CASE("a drawing is made by graphviz, which is given the graph in its language") {
  const test::TemporaryFolder folder;
  std::ofstream(fs::path(folder.path()) / "dot") << "#!/bin/sh\n[ \"$*\" = -Tsvg ] && /bin/cat\n";
  fs::permissions(fs::path(folder.path()) / "dot", fs::perms::owner_all);
  const OnlyPath path(folder.path());
  Console c;
  CHECK(graph(c, "svg") == 0);
  CHECK(c.out() == content(kFolder / "orders.dot"));
}

TEST_CASE("where graphviz is missing or fails, that is said, and how to do without") {
  const test::TemporaryFolder folder;
  const OnlyPath path(folder.path());
  Console missing;
  CHECK(graph(missing, "svg") == 1);
  CHECK_THAT(missing.err(),
             Catch::Contains("there is no program `dot`") && Catch::Contains("--format dot"));
  std::ofstream(fs::path(folder.path()) / "dot") << "#!/bin/sh\nexit 3\n";
  fs::permissions(fs::path(folder.path()) / "dot", fs::perms::owner_all);
  Console failing;
  CHECK(graph(failing, "svg") == 1);
  CHECK_THAT(failing.err(), Catch::Contains("failed on the graph"));
}

TEST_CASE("a configuration with mistakes is not drawn") {
  const test::TemporaryFolder folder;
  const auto file = fs::path(folder.path()) / "bad.yaml";
  std::ofstream(file) << "sources: { in: { fifo: x } }\n";
  Console c;
  CHECK(c.run({"graph", file.string(), "--plugins", places::plugins()}) == 78);
  CHECK(c.out().empty());
  CHECK_THAT(c.err(), Catch::Contains("handlers"));
}
