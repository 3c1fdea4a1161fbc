// SPDX-License-Identifier: Apache-2.0
#include "base/failure.h"

#include <catch2/catch.hpp>
#include <cerrno>

using namespace standpipe;

TEST_CASE("a failure of the system says what was tried, why it failed, and what to do") {
  const auto failure = Failure::system("open /data", EACCES, "see to its mode");
  CHECK(std::string(failure.what()) == "cannot open /data: Permission denied");
  CHECK(failure.help() == "see to its mode");
}

TEST_CASE("a limit that was reached has its remedy wherever it shows, and a better one stays") {
  CHECK(Failure::system("make a socket", EMFILE).help() ==
        "raise the limit of open files: ulimit -n");
  CHECK(Failure::system("write", EFBIG).help().find("ulimit -f") != std::string::npos);
  CHECK(Failure::system("map", ENOMEM).help().find("ulimit -v") != std::string::npos);
  CHECK(Failure::system("map", ENOMEM, "set a smaller memory_max").help() ==
        "set a smaller memory_max");
  CHECK(Failure::system("open /data", EACCES).help().empty());
}

TEST_CASE("each layer adds a phrase in front, and the remedy stays") {
  const auto failure = Failure("no such table", "create it").in("handler db").in("hub");
  CHECK(std::string(failure.what()) == "hub: handler db: no such table");
  CHECK(failure.help() == "create it");
}

TEST_CASE("a wrong configuration is a failure that can be told from others") {
  const WrongConfiguration wrong(Failure("it is a folder", "name a file"));
  const Failure& caught = wrong;
  CHECK(dynamic_cast<const WrongConfiguration*>(&caught) != nullptr);
  CHECK(std::string(caught.what()) == "it is a folder");
  CHECK(caught.help() == "name a file");
}
