// SPDX-License-Identifier: Apache-2.0
#include "deliver/set_aside.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "log/refusal.h"
#include "temporary_folder.h"

using namespace standpipe;

namespace {

class Fixture {
 public:
  std::string make() {
    std::ofstream(path) << "something";
    return path;
  }
  test::TemporaryFolder folder;
  const std::string path = folder / "1.log";
};

}  // namespace

TEST_CASE_METHOD(Fixture, "a file gets a name that says why, and that nothing had") {
  CHECK(deliver::set_aside(make(), Failure("odd")) == path + ".damaged");
  CHECK(deliver::set_aside(make(), log::NotADiskLog("odd")) == path + ".damaged-2");
  CHECK(deliver::set_aside(make(), log::NewerVersion("odd")) == path + ".newer");
  CHECK_FALSE(std::filesystem::exists(path));
  CHECK(deliver::set_aside(path, Failure("odd")).empty());
}

TEST_CASE_METHOD(Fixture, "what stands there only for now stays where it is") {
  make();
  CHECK_FALSE(deliver::set_aside_if_unknown(path, Failure("no descriptors")));
  CHECK(std::filesystem::exists(path));
  CHECK(deliver::set_aside_if_unknown(path, log::NewerVersion("odd")) == path + ".newer");
  make();
  CHECK(deliver::set_aside_if_unknown(path, log::NotADiskLog("odd")) == path + ".damaged");
  CHECK_FALSE(deliver::set_aside_if_unknown(path, log::NotADiskLog("odd")));
}
