// SPDX-License-Identifier: Apache-2.0
#include "cli/reference.h"

#include <catch2/catch.hpp>
#include <sstream>

#include "console.h"
#include "fifo_fixture.h"
#include "places.h"

using namespace standpipe;
using namespace standpipe::cli;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class Fixture {
 protected:
  plugin::Registry plugins_{{places::plugins()}};
};

}  // namespace

TEST_CASE_METHOD(Fixture, "every key is explained with its value, limits, default and example") {
  const auto text = reference_text(plugins_, {});
  CHECK(has(text,
            "\nsources.NAME.log\n"
            "  max_size: SIZE, 16KiB to 16GiB\n"
            "      How much of the source waits in memory, within memory_max.\n"
            "      (default: 1MiB; changes at a reload)\n"
            "      e.g. max_size: 4MiB\n"));
  for (const auto& map : config::key_maps())
    for (const auto& key : map.keys) CHECK(has(text, "\n  " + std::string(key.name) + ": "));
  CHECK(has(text, "\noptions of forward\n"));
}

TEST_CASE_METHOD(Fixture, "words choose among the keys and options by their paths") {
  const auto text = reference_text(plugins_, {"retry"});
  CHECK(text.starts_with("sources.NAME\n"));
  CHECK(has(text, "\nhandlers.NAME\n"));
  CHECK(has(text, "\n  max_attempts: NUMBER, 0 to 1000000\n"));
  CHECK(!has(text, "isolation"));
  CHECK(has(reference_text(plugins_, {"forward", "fifo"}), "options of forward"));
  CHECK(reference_text(plugins_, {"nothing-like-it"}).empty());
}

TEST_CASE_METHOD(Fixture, "no line of the page is wider than a terminal mostly is") {
  std::istringstream lines(reference_text(plugins_, {}));
  for (std::string line; std::getline(lines, line);) {
    INFO(line);
    CHECK(line.size() <= 100);
  }
}

TEST_CASE_METHOD(Fixture, "as Markdown, each key is a row of as many cells as the heading") {
  std::istringstream lines(reference_markdown(plugins_));
  std::size_t columns = 0, rows = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("|")) {
      columns = 0;
      continue;
    }
    std::size_t bars = 0;
    for (std::size_t i = 0; i < line.size(); ++i)
      bars += line[i] == '|' && (i == 0 || line[i - 1] != '\\');
    if (columns == 0) columns = bars;
    INFO(line);
    CHECK(bars == columns);
    ++rows;
  }
  std::size_t keys = 0;
  for (const auto& map : config::key_maps()) keys += map.keys.size();
  CHECK(rows > keys);
}

TEST_CASE("help config shows the reference, and says so when nothing has that name") {
  kit::Console all, one, none, misplaced;
  CHECK(all.run({"help", "config"}) == 0);
  CHECK(has(all.out(), "\nThe file\n"));
  CHECK(one.run({"help", "config", "drain"}) == 0);
  CHECK(has(one.out(), "drain_timeout"));
  CHECK(none.run({"help", "config", "zzz"}) == 2);
  CHECK(has(none.err(), "no key of a configuration has 'zzz' in its path"));
  CHECK(misplaced.run({"help", "run", "--markdown"}) == 2);
}
