// SPDX-License-Identifier: Apache-2.0
#include "plugin/pinned_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/failure.h"
#include "base/sha256.h"
#include "places.h"
#include "plugin/registry.h"
#include "temporary_folder.h"

using namespace standpipe;
using Catch::Matchers::Contains;

namespace {

std::string content(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::string sha256_of(const std::string& path) {
  Sha256 sum;
  const auto text = content(path);
  sum.add(std::as_bytes(std::span(text)));
  return hex_of(sum.digest());
}

std::string other_than(std::string digest) {
  digest[0] = digest[0] == '0' ? '1' : '0';
  return digest;
}

using Folders = std::vector<std::string>;

const std::string kPrint = places::plugins() + "/print.so";

}  // namespace

TEST_CASE("the copy of a pinned file has its content, and nobody can change it") {
  const auto copy = plugin::pinned_copy(kPrint, sha256_of(kPrint));
  CHECK(content("/proc/self/fd/" + std::to_string(copy.get())) == content(kPrint));
  CHECK(::pwrite(copy.get(), "x", 1, 0) < 0);
  CHECK(::ftruncate(copy.get(), 0) < 0);
  CHECK(::fcntl(copy.get(), F_GET_SEALS) ==
        (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL));
}

TEST_CASE("another file than is pinned is refused, with the digest that it has") {
  const auto digest = sha256_of(kPrint);
  try {
    (void)plugin::pinned_copy(kPrint, other_than(digest));
    FAIL("it was copied");
  } catch (const Failure& failure) {
    CHECK_THAT(failure.what(), Contains("print.so is not the file that is pinned") &&
                                   Contains("its SHA-256 is " + digest));
  }
  CHECK_THROWS_AS(plugin::pinned_copy("/dev", digest), Failure);
  CHECK_THROWS_AS(plugin::pinned_copy("/nowhere/at.all", digest), Failure);
}

TEST_CASE("a pinned plugin is what was looked at, whatever becomes of its file") {
  const test::TemporaryFolder folder;
  const auto file = folder / "print.so";
  std::filesystem::copy_file(kPrint, file);
  const auto digest = sha256_of(file);
  plugin::Refused why;
  {
    plugin::Registry plugins(Folders{});
    CHECK(plugins.find(file, why, other_than(digest)) == nullptr);
    CHECK_THAT(why.reason, Contains("is not the file that is pinned"));
    const auto* print = plugins.find(file, why, digest);
    REQUIRE(print);
    CHECK(print->name == "print");
    CHECK(print->path == file);
    CHECK(print->sha256 == digest);
    CHECK(plugins.find(file, why, digest) == print);
  }
  std::ofstream(file) << "no plugin";
  plugin::Registry later(Folders{});
  CHECK(later.find(file, why, digest) == nullptr);
}

TEST_CASE("two pinned plugins are two, though each is a copy in memory") {
  plugin::Registry plugins(Folders{});
  plugin::Refused why;
  const auto log = places::plugins() + "/log.so";
  const auto* first = plugins.find(kPrint, why, sha256_of(kPrint));
  const auto* second = plugins.find(log, why, sha256_of(log));
  REQUIRE(first);
  REQUIRE(second);
  CHECK(first->name == "print");
  CHECK(second->name == "log");
  CHECK(first->abi != second->abi);
}

TEST_CASE("a pinned plugin may lie where others can write, for what they write is not loaded") {
  const test::TemporaryFolder folder;
  std::filesystem::permissions(folder.path(), std::filesystem::perms::all);
  const auto file = folder / "print.so";
  std::filesystem::copy_file(kPrint, file);
  plugin::Registry plugins(Folders{});
  plugin::Refused why;
  CHECK(plugins.find(file, why, sha256_of(file)));
  if (::geteuid() != 0) return;
  CHECK(plugins.find(file, why) == nullptr);
  CHECK_THAT(why.reason, Contains("is not run by root"));
}
