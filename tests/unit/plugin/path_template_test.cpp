// SPDX-License-Identifier: Apache-2.0
#include "plugin/path_template.h"

#include <fnmatch.h>

#include <catch2/catch.hpp>

using namespace standpipe::plugin;

TEST_CASE("a path with placeholders is made absolute, and not changed from the first one on") {
  CHECK(absolute_template("logs/../x/{json:/a/../b}/../y.log", "/etc") ==
        "/etc/x/{json:/a/../b}/../y.log");
  CHECK(absolute_template("/var//log/{source}.log", "/etc") == "/var/log/{source}.log");
  CHECK(absolute_template("{source}.log", "/etc") == "/etc/{source}.log");
  CHECK(absolute_template("/{source}", "/etc") == "/{source}");
  CHECK(absolute_template("a/../b.log", "/etc") == "/etc/b.log");
  CHECK(absolute_template("{source}.log", "/odd{folder}") == "/odd{{folder}}/{source}.log");
}

TEST_CASE("doubled braces are no placeholders") {
  CHECK(fixed_path("/odd{{folder}}/x.log") == "/odd{folder}/x.log");
  CHECK_FALSE(fixed_path("/odd{{folder}}/{source}.log"));
  CHECK_FALSE(fixed_path("/{source"));
  CHECK_FALSE(fixed_path("/source}"));
}

TEST_CASE("a pattern matches what messages can name, and nothing in other folders") {
  const auto matches = [](const std::string& text, const std::string& path) {
    return ::fnmatch(pattern_of(text).c_str(), path.c_str(), FNM_PATHNAME) == 0;
  };
  CHECK(matches("/l/{json:/d|x}.log", "/l/pump.log"));
  CHECK_FALSE(matches("/l/{json:/d|x}.log", "/l/.log"));
  CHECK_FALSE(matches("/l/{json:/d|x}.log", "/l/a/b.log"));
  CHECK_FALSE(matches("/l/{json:/d|x}.log", "/l/pump.txt"));
  CHECK(matches("/l/{source}/{source}", "/l/a/b"));
  CHECK(matches("/[*]{{}}/{source}", "/[*]{}/b"));
  CHECK_FALSE(matches("/[*]{{}}/{source}", "/*{}/b"));
}
