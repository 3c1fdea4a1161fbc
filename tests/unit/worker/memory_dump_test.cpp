// SPDX-License-Identifier: Apache-2.0
#include "worker/memory_dump.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "base/failure.h"
#include "base/fd.h"
#include "base/limits.h"
#include "failing_disk.h"
#include "temporary_folder.h"

using namespace standpipe;
using worker::dump_memory;

namespace {

constexpr off_t kBytes = 256 * MiB;

// A memory that is empty but for two places. Verb: content (of a copy, at a place).
struct Fixture {
  Fixture() {
    REQUIRE(::ftruncate(memory.get(), kBytes) == 0);
    put("at the beginning", 0);
    put("and far behind", kBytes - 100);
  }
  void put(const std::string& text, off_t at) const {
    REQUIRE(::pwrite(memory.get(), text.data(), text.size(), at) ==
            static_cast<ssize_t>(text.size()));
  }
  static std::string content(const std::string& path, off_t at, std::size_t bytes) {
    std::ifstream file(path, std::ios::binary);
    std::string text(bytes, '\0');
    file.seekg(at).read(text.data(), static_cast<std::streamsize>(bytes));
    return text;
  }

  test::TemporaryFolder folder;
  std::string data = folder / "data";
  Fd memory{::memfd_create("it", MFD_CLOEXEC)};
};

}  // namespace

TEST_CASE_METHOD(Fixture, "a copy has what the memory has, and is as empty in between") {
  const auto path = dump_memory(memory.get(), data);
  CHECK(path == data + "/memory-1");
  CHECK(std::filesystem::file_size(path) == kBytes);
  CHECK(content(path, 0, 16) == "at the beginning");
  CHECK(content(path, kBytes - 100, 14) == "and far behind");
  CHECK(content(path, kBytes / 2, 4) == std::string(4, '\0'));
  struct stat st {};
  REQUIRE(::stat(path.c_str(), &st) == 0);
  CHECK(st.st_blocks * 512 < kBytes / 8);
  CHECK((st.st_mode & 0777) == 0600);
}

TEST_CASE_METHOD(Fixture, "an earlier copy is not written over") {
  CHECK(dump_memory(memory.get(), data) == data + "/memory-1");
  put("changed", 0);
  CHECK(dump_memory(memory.get(), data) == data + "/memory-2");
  CHECK(content(data + "/memory-1", 0, 2) == "at");
}

TEST_CASE_METHOD(Fixture, "of a copy that finds no room the part stays, and that is said") {
  const test::FullDisk full(64 * 1024);
  CHECK_THROWS_WITH(dump_memory(memory.get(), data),
                    Catch::Contains(data + "/memory-1 has only a part of the memory"));
  CHECK(std::filesystem::exists(data + "/memory-1"));
}
