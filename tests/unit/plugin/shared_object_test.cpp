// SPDX-License-Identifier: Apache-2.0
#include "plugin/shared_object.h"

#include <elf.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "places.h"
#include "temporary_folder.h"

using namespace standpipe;
using plugin::shared_object_problem;

namespace {

// A plugin's file, changed.
class ObjectFixture {
 public:
  ObjectFixture() {
    std::ifstream in(places::fixtures() + "/sound.so", std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(in), {});
    REQUIRE(bytes.size() > sizeof(Elf64_Ehdr));
  }
  std::string problem() const {
    const auto path = folder / "it.so";
    std::ofstream(path, std::ios::binary | std::ios::trunc)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return shared_object_problem(path).value_or("");
  }
  test::TemporaryFolder folder;
  std::string bytes;
};

constexpr auto kNone = "it is not a shared object of this machine";

}  // namespace

TEST_CASE_METHOD(ObjectFixture, "a shared object has no problem") { CHECK(problem().empty()); }

TEST_CASE_METHOD(ObjectFixture, "one that is truncated says so, wherever it ends") {
  const auto whole = bytes.size();
  bytes.resize(whole / 2);
  CHECK(problem().find("it is truncated: ") == 0);
  bytes.resize(sizeof(Elf64_Ehdr) + 1);
  CHECK_FALSE(problem().empty());
  bytes.resize(10);
  CHECK(problem() == kNone);
  bytes.clear();
  CHECK(problem() == kNone);
}

TEST_CASE_METHOD(ObjectFixture, "one of another machine, or a program, is none") {
  bytes[offsetof(Elf64_Ehdr, e_machine)] ^= 0x55;
  CHECK(problem() == kNone);
  bytes[offsetof(Elf64_Ehdr, e_machine)] ^= 0x55;
  bytes[offsetof(Elf64_Ehdr, e_type)] = ET_EXEC;
  CHECK(problem() == kNone);
}

TEST_CASE_METHOD(ObjectFixture, "numbers of segments that nobody has are none") {
  bytes[offsetof(Elf64_Ehdr, e_phnum)] = '\xff';
  bytes[offsetof(Elf64_Ehdr, e_phnum) + 1] = '\xff';
  CHECK(problem() == kNone);
  bytes[offsetof(Elf64_Ehdr, e_phnum)] = bytes[offsetof(Elf64_Ehdr, e_phnum) + 1] = 0;
  CHECK(problem() == kNone);
}

TEST_CASE_METHOD(ObjectFixture, "what is no file is not waited for") {
  ::mkfifo((folder / "fifo.so").c_str(), 0600);
  CHECK(shared_object_problem(folder / "fifo.so") == "it is not a regular file");
  CHECK(shared_object_problem(folder.path()) == "it is not a regular file");
  CHECK(shared_object_problem(folder / "none.so") == "No such file or directory");
}
