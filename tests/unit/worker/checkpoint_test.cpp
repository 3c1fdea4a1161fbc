// SPDX-License-Identifier: Apache-2.0
#include "worker/checkpoint.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "temporary_folder.h"

using namespace standpipe;
using worker::Checkpoint;
using worker::CheckpointFile;

namespace {

class Fixture {
 public:
  test::TemporaryFolder folder;
  CheckpointFile file{folder.path()};
  Checkpoint checkpoint{.began = std::chrono::seconds(1'700'000'000),
                        .pid = 123,
                        .at = std::chrono::seconds(1'700'003'601),
                        .sources = {{"orders", 12'000}, {"/run/a=b\n", 345}},
                        .in_flight = 17,
                        .waiting_bytes = 34'567};
};

}  // namespace

TEST_CASE_METHOD(Fixture, "an unclean end leaves its last checkpoint") {
  CHECK_FALSE(file.previous());
  CHECK_FALSE(file.write({}));
  CHECK_FALSE(file.write(checkpoint));
  CHECK(CheckpointFile(folder.path()).previous() == checkpoint);
}

TEST_CASE_METHOD(Fixture, "a clean end leaves nothing") {
  CHECK_FALSE(file.write(checkpoint));
  file.remove();
  CHECK_FALSE(file.previous());
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE_METHOD(Fixture, "people are told what may be lost") {
  CHECK(checkpoint.text() ==
        "the hub that began at 2023-11-14 22:13:20 UTC (process 123) did not end by itself; at its "
        "last checkpoint, 2023-11-14 "
        "23:13:21 UTC, "
        "it had accepted 12,345 messages, and 17 deliveries were not finished (34,567 bytes in "
        "memory): those of them that were in memory or in kernel pipes are lost, and so may be "
        "messages that came later");
}

TEST_CASE_METHOD(Fixture,
                 "a checkpoint cut at any byte says that there was one, and claims nothing") {
  CHECK_FALSE(file.write(checkpoint));
  const auto path = folder / "running";
  for (auto size = std::filesystem::file_size(path); size-- > 0;) {
    std::filesystem::resize_file(path, size);
    CHECK(file.previous() == Checkpoint{});
  }
  CHECK(file.previous()->text() ==
        "the last hub did not end by itself, and left no checkpoint: what was in memory or in "
        "kernel pipes then is lost");
}

TEST_CASE_METHOD(Fixture, "what a later version adds is passed over") {
  std::ofstream(folder / "running")
      << "standpipe running 1\nbegan=5\nmood=good\nnonsense\nin_flight=2\nend\n";
  CHECK(file.previous() == Checkpoint{.began = Nanoseconds(5), .in_flight = 2});
}

TEST_CASE("a checkpoint that cannot be written is reported") {
  const test::TemporaryFolder folder;
  const CheckpointFile file(folder / "gone");
  const auto failure = file.write({});
  REQUIRE(failure);
  CHECK(std::string(failure->what()) == "cannot open " + (folder / "gone/running.tmp") +
                                            ": the folder " + (folder / "gone") +
                                            " does not exist");
}
