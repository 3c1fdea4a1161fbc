// SPDX-License-Identifier: Apache-2.0
#include "deliver/queue_segments.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "temporary_folder.h"

using namespace standpipe;
using deliver::QueueSegments;

namespace {

struct SegmentsFixture {
  test::TemporaryFolder folder;
  QueueSegments segments{folder.path(), "in", "to/it"};
  void make(const std::string& name, const std::string& content = "abc") const {
    segments.make_folder();
    std::ofstream(segments.folder() + '/' + name) << content;
  }
};

}  // namespace

TEST_CASE_METHOD(SegmentsFixture, "segments are found in the order of their first messages") {
  CHECK(segments.find().empty());
  for (const auto* name : {"10.log", "9.log", "1.log", "0.log", "x.log", "9.log.damaged", "7"})
    make(name);
  CHECK(segments.find() == std::vector<std::uint64_t>{1, 9, 10});
  CHECK(segments.path(9) == folder / "queue/in/to%2Fit/9.log");
  CHECK(segments.bytes(9) == 3);
  CHECK(segments.bytes(8) == 0);
}

TEST_CASE_METHOD(SegmentsFixture, "a segment is removed, once or twice, or set aside") {
  make("5.log");
  make("6.log");
  CHECK(segments.remove(5) == 0);
  CHECK(segments.remove(5) == 0);
  CHECK(segments.set_aside(6, Failure("no log")) == segments.folder() + "/6.log.damaged");
  CHECK(segments.find().empty());
  CHECK(std::filesystem::exists(segments.folder() + "/6.log.damaged"));
}

TEST_CASE_METHOD(SegmentsFixture, "all queues that have messages are found by their names") {
  CHECK(QueueSegments::all(folder.path()).empty());
  make("1.log");
  QueueSegments(folder.path(), "in", "empty").make_folder();
  using Names = std::vector<std::pair<std::string, std::string>>;
  CHECK(QueueSegments::all(folder.path()) == Names{{"in", "to/it"}});
}
