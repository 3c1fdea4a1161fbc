// SPDX-License-Identifier: Apache-2.0
#include "worker/data.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "base/failure.h"
#include "deliver/keeping.h"
#include "worker/event_key.h"
#include "worker/loop_kit.h"
#include "worker/spill_kit.h"

using namespace standpipe;
using namespace std::chrono_literals;
using worker::Data;

namespace {

// A data folder, and one worker after the other that uses it. Verbs: start, next (worker).
class Fixture {
 public:
  Data& start(bool continues = false) {
    data.reset();
    link.reset();
    link.emplace(keeper.start());
    data.emplace(options(), continues, 1, *link, memory, kit.loop, clock, reporter);
    return *data;
  }
  config::HubOptions options() const {
    config::HubOptions all;
    all.data_dir = path;
    all.data_dir_by_default = by_default;
    return all;
  }
  std::optional<Failure> put_letter() {
    const deliver::DeadLetter letter{.source = "in", .handler = "it", .sequence = 7};
    return data->write({&letter, 1});
  }

  test::TemporaryFolder folder;
  std::string path = folder / "data";
  bool by_default = false;
  test::SpillReporter reporter;
  test::LoopKit kit;
  test::Keeping keeper;
  std::optional<keeper::Link> link;
  state::Memory memory{state::MemoryPlan{.memory_max = 1 * MiB}};
  SystemClock clock;
  std::optional<Data> data;
};

}  // namespace

TEST_CASE_METHOD(Fixture, "the folder is locked from the start on, and the keeper has the lock") {
  CHECK(start().works());
  CHECK(keeper.find("lock") >= 0);
  CHECK_THROWS_AS(DataFolder(path), Failure);
  CHECK(start(true).works());  // the next worker has the lock of the one before
  CHECK(reporter.reported.empty());
}

TEST_CASE_METHOD(Fixture, "what changes after a checkpoint is written with the next one") {
  const auto due = "timer " + std::to_string(worker::key(worker::kCheckpoint));
  const auto change = [this] { data->checkpoint_timer().note_change(); };
  start().begin_checkpoints({});
  change();
  kit.clock.now += 1s;
  CHECK(kit.round() == due);
  data->write_checkpoint({});
  change();
  CHECK(kit.round().empty());
  kit.clock.now += 1s;
  CHECK(kit.round() == due);
}

TEST_CASE_METHOD(Fixture, "a configured folder must work, and the default one need not") {
  std::ofstream(path) << "a file in its place";
  CHECK_THROWS_AS(start(), Failure);
  by_default = true;
  CHECK_FALSE(start().works());
  CHECK(reporter.has_reported("cannot be used, so no message can be dead-lettered"));
  CHECK(put_letter());
  CHECK_FALSE(data->write_stop_notes({}));
  CHECK(data->read_stop_notes().empty());
}

TEST_CASE_METHOD(Fixture, "a later worker goes on without a folder that cannot be used any more") {
  std::ofstream(path) << "a file in its place";
  CHECK_FALSE(start(true).works());
}

TEST_CASE_METHOD(Fixture,
                 "what stands in the place of the lock is moved aside, and it is written") {
  std::filesystem::create_directories(path + "/lock");
  CHECK(start().works());
  CHECK(std::filesystem::is_regular_file(path + "/lock"));
  CHECK(std::filesystem::is_directory(path + "/lock.foreign"));
  CHECK_THROWS_AS(DataFolder(path), Failure);
}

TEST_CASE_METHOD(Fixture, "a spill folder that leads nowhere is found at the start") {
  std::filesystem::create_directory(path);
  std::filesystem::create_symlink("nowhere", path + "/spill");
  CHECK_THROWS_WITH(start(), Catch::Contains("/spill is a symbolic link that leads nowhere now"));
  CHECK(start(true).works() == false);
}

TEST_CASE_METHOD(Fixture,
                 "a folder that was removed is made and locked again, which is reported once") {
  start();
  data->check(*link);
  CHECK(reporter.reported.empty());
  std::filesystem::remove_all(path);
  data->check(*link);
  data->check(*link);
  CHECK(reporter.reported == path +
                                 " was removed or replaced, so what it held is no longer there; "
                                 "the hub uses the folder that is there now\n");
  CHECK_THROWS_AS(DataFolder(path), Failure);
  CHECK_FALSE(put_letter());
  CHECK(std::filesystem::exists(path + "/dead-letters.log"));
}

TEST_CASE_METHOD(Fixture, "letters go into the folder that is there, after it was removed, too") {
  start();
  CHECK_FALSE(put_letter());
  std::filesystem::remove_all(path);
  data->check(*link);
  const auto job = std::make_shared<deliver::LetterJob>();
  job->letters.push_back({.source = "in", .handler = "it", .sequence = 8});
  CHECK(data->post(job));
  job->wait();
  CHECK_FALSE(job->failure);
  deliver::DeadLetterReader reader(path);
  CHECK(reader.next()->sequence == 8);
}

TEST_CASE_METHOD(
    Fixture, "what an earlier run may have lost is reported, and not what an earlier worker left") {
  start().begin_checkpoints({.began = Nanoseconds(5), .in_flight = 3});
  start(true).begin_checkpoints({.began = Nanoseconds(5), .in_flight = 4});
  CHECK(reporter.reported.empty());
  start().begin_checkpoints({.began = Nanoseconds(9)});
  CHECK(reporter.has_reported("did not end by itself"));
  data->end_checkpoints();
  reporter.reported.clear();
  start().begin_checkpoints({.began = Nanoseconds(11)});
  CHECK(reporter.reported.empty());
}

TEST_CASE_METHOD(Fixture, "all spills are found, with their sources") {
  start();
  const auto spilled = [&](const char* source) {
    deliver::SpillWriter writer(path, source);
    REQUIRE_FALSE(writer.finish());
    return writer.path();
  };
  const auto b1 = spilled("b"), a1 = spilled("a"), b2 = spilled("b");
  using All = std::vector<std::pair<std::string, std::string>>;
  CHECK(data->spills() == All{{"a", a1}, {"b", b1}, {"b", b2}});
}
