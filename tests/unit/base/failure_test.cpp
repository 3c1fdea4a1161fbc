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
