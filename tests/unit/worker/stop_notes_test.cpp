// SPDX-License-Identifier: Apache-2.0
#include "worker/stop_notes.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "temporary_folder.h"

using namespace standpipe;
using worker::StopNote;
using worker::StopNotes;

TEST_CASE("what a stop leaves of FIFOs is read back as it was written") {
  const test::TemporaryFolder folder;
  const StopNotes notes(folder.path());
  CHECK(notes.read().empty());
  const std::vector<StopNote> written = {{.source = "a b", .fifo = {3, 4}, .mode = 0622},
                                         {.source = "in",
                                          .fifo = {1, 2},
                                          .seal = 9,
                                          .capacity = 65536,
                                          .skip = 12,
                                          .head = 77,
                                          .head_bytes = 2,
                                          .discards = true}};
  REQUIRE_FALSE(notes.write(written));
  CHECK(notes.read() == written);
  notes.remove();
  CHECK(notes.read().empty());
}

TEST_CASE("whatever stands in place of the notes is no note, and holds nobody up") {
  const test::TemporaryFolder folder;
  const StopNotes notes(folder.path());
  const auto path = folder / "stopped";
  std::ofstream(path) << "standpipe stopped 1\nsource=in device=1 inode=2 mode=";
  CHECK(notes.read().empty());
  std::filesystem::remove(path);
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  CHECK(notes.read().empty());
  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  CHECK(notes.read().empty());
  CHECK(notes.write({}));
  std::filesystem::remove(path);
  std::filesystem::create_symlink("/etc/passwd", path);
  CHECK(notes.read().empty());
}
