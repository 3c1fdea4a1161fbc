// SPDX-License-Identifier: Apache-2.0
#include "worker/spill_copy.h"

#include <catch2/catch.hpp>

#include "deliver/one_delivery.h"
#include "worker/spill_kit.h"

using namespace standpipe;
using test::read_spill, test::Texts, test::write_spill;

namespace {

// A log with one delivery, and what earlier runs left of its source. Verb: write.
class Fixture : public test::OneDelivery {
 public:
  std::uint64_t write(std::optional<log::Position> cut = {}) {
    for (const auto& path : deliver::SpillReader::find(folder.path(), "in")) queue.add(path);
    const deliver::Delivery* one[] = {&delivery};
    return copy.write(one, cut, queue);
  }

  test::TemporaryFolder folder;
  test::SpillReporter reporter;
  worker::SpillFiles files{"in", reporter};
  state::Persistent<worker::SpillQueue::Place> place{memory, "place"};
  worker::SpillQueue queue{memory, place, files};
  Texts handlers{"i"};
  worker::SpillCopy copy{folder.path(), "in", handlers};
};

}  // namespace

TEST_CASE_METHOD(Fixture, "nothing is left, so there is no file") {
  CHECK(write() == 0);
  CHECK_FALSE(copy.has_file());
}

TEST_CASE_METHOD(Fixture, "what the deliveries want is written, and then what was not fed") {
  append("one");
  append("not wanted", 0);
  append("two");
  write_spill(folder, {"x three", "i four@k"});
  CHECK(write() == 2);
  copy.finish();
  CHECK(read_spill(copy.path()) == Texts{"i one", "i two", "x three", "i four@k"});
}

TEST_CASE_METHOD(Fixture, "where feeding was cut, what was not fed comes before what came later") {
  append("one");
  const auto cut = log.end().position;
  append("three");
  write_spill(folder, {"i two"});
  CHECK(write(cut) == 1);
  copy.finish();
  CHECK(read_spill(copy.path()) == Texts{"i one", "i two", "i three"});
}

TEST_CASE_METHOD(Fixture, "a file that was not finished is gone") {
  append("one");
  {
    worker::SpillCopy dropped(folder.path(), "in", handlers);
    const deliver::Delivery* one[] = {&delivery};
    CHECK(dropped.write(one, {}, queue) == 0);
    CHECK(dropped.has_file());
  }
  CHECK(deliver::SpillReader::find(folder.path(), "in").empty());
  CHECK(std::filesystem::is_empty(
      std::filesystem::path(deliver::SpillReader::path_of(folder.path(), "in", 1)).parent_path()));
}
