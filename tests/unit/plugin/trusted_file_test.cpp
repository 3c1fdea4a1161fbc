// SPDX-License-Identifier: Apache-2.0
#include "plugin/trusted_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "base/failure.h"
#include "temporary_folder.h"

using namespace standpipe;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

// A plugin's file in a folder, as root sees them: its own are those of whoever runs the test.
struct Place {
  Place() {
    fs::create_directory(folder);
    std::ofstream(file) << "a plugin";
    ::chmod(folder.c_str(), 0755);
    ::chmod(file.c_str(), 0644);
  }
  // Why the file is refused; empty: it is not.
  std::string refusal(const std::string& path) const {
    try {
      plugin::check_trusted(path, root);
      return {};
    } catch (const Failure& failure) {
      return std::string(failure.what()) + "\n" + failure.help();
    }
  }
  std::string refusal() const { return refusal(file); }

  test::TemporaryFolder temporary;
  std::string folder = temporary / "plugins";
  std::string file = folder + "/mine.so";
  paths::User root{::geteuid(), true, {}};
};

}  // namespace

TEST_CASE("a plugin that only its owner can write to is run by root") {
  CHECK(Place().refusal().empty());
}

TEST_CASE("a plugin that others can write to is not run by root, who is told the remedy") {
  const Place place;
  ::chmod(place.file.c_str(), 0646);
  CHECK_THAT(place.refusal(), Contains("mine.so may be written to by everybody") &&
                                  Contains("chmod go-w " + place.file) && Contains("sha256"));
}

TEST_CASE("a folder that others can write to is as good as its files") {
  const Place place;
  ::chmod(place.folder.c_str(), 0757);
  CHECK_THAT(place.refusal(), Contains("everybody, who can replace what is in it") &&
                                  Contains("chmod go-w " + place.folder));
  ::chmod(place.folder.c_str(), 01757);  // of others' files, none can be replaced
  CHECK(place.refusal().empty());
}

TEST_CASE("a group other than root's is somebody else", "[no-sanitizer]") {
  if (::geteuid() != 0) return;  // only root may give files away
  const Place place;
  REQUIRE(::chown(place.file.c_str(), 0, 12345) == 0);
  ::chmod(place.file.c_str(), 0664);
  CHECK_THAT(place.refusal(), Contains("mine.so may be written to by a group"));
  ::chmod(place.file.c_str(), 0644);
  REQUIRE(::chown(place.folder.c_str(), 0, 12345) == 0);
  ::chmod(place.folder.c_str(), 0775);
  CHECK_THAT(place.refusal(), Contains("/plugins may be written to by a group"));
}

TEST_CASE("a plugin of another user is not run by root, unless that one used sudo") {
  if (::geteuid() != 0) return;
  Place place;
  REQUIRE(::chown(place.file.c_str(), 12345, 0) == 0);
  CHECK_THAT(place.refusal(),
             Contains("mine.so belongs to user 12345") && Contains("chown root " + place.file));
  place.root.sudo = 12345;
  CHECK(place.refusal().empty());
  place.root.sudo.reset();
  REQUIRE(::chown(place.file.c_str(), 0, 0) == 0);
  REQUIRE(::chown(place.folder.c_str(), 12345, 0) == 0);
  CHECK_THAT(place.refusal(), Contains("/plugins belongs to user 12345"));
}

TEST_CASE("where a link leads is looked at, and where it lies") {
  const Place place;
  fs::create_symlink(place.file, place.temporary / "link.so");
  CHECK(place.refusal(place.temporary / "link.so").empty());
  ::chmod(place.file.c_str(), 0666);
  CHECK_THAT(place.refusal(place.temporary / "link.so"), Contains("mine.so may be written to"));
  ::chmod(place.file.c_str(), 0644);
  ::chmod(place.temporary.path().c_str(), 0777);
  CHECK_THAT(place.refusal(place.temporary / "link.so"), Contains("who can replace what is in it"));
}

TEST_CASE("who is not root runs what they like") {
  Place place;
  ::chmod(place.file.c_str(), 0666);
  place.root.is_root = false;
  CHECK(place.refusal().empty());
}

TEST_CASE("a file that is not there is for the loader to complain of") {
  const Place place;
  CHECK(place.refusal(place.folder + "/none.so").empty());
}
