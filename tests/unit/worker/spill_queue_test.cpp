// SPDX-License-Identifier: Apache-2.0
#include "worker/spill_queue.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>

#include "worker/spill_kit.h"

using namespace standpipe;
using test::Texts, test::write_spill;
using worker::SpillQueue;

namespace {

// The spills of one source, and a worker that feeds them. Verbs: start, crash, feed, unfed.
class Fixture {
 public:
  void start() {
    place.emplace(*memory, "place");
    memory->commit();
    queue.emplace(*memory, *place, files);
    for (const auto& path : deliver::SpillReader::find(folder.path(), "in")) queue->add(path);
  }
  void crash() {
    auto next = std::make_unique<state::Memory>(Fd(::dup(memory->fd())));
    memory = std::move(next);
    start();
  }
  // Feeds `count` messages and stores that.
  Texts feed(int count) {
    Texts texts;
    for (; count > 0; --count) {
      const auto* message = queue->front();
      if (!message) break;
      texts.push_back(test::shown(*message));
      queue->advance();
      ++place->edit().fed;
      memory->commit();
    }
    return texts;
  }
  Texts unfed() {
    Texts texts;
    queue->each_unfed([&](const auto& message) { texts.push_back(test::shown(message)); });
    return texts;
  }
  std::size_t files_left() const { return deliver::SpillReader::find(folder.path(), "in").size(); }

  test::TemporaryFolder folder;
  test::SpillReporter reporter;
  worker::SpillFiles files{"in", reporter};
  std::unique_ptr<state::Memory> memory =
      std::make_unique<state::Memory>(state::MemoryPlan{.memory_max = 4 * MiB});
  std::optional<state::Persistent<SpillQueue::Place>> place;
  std::optional<SpillQueue> queue;
};

}  // namespace

TEST_CASE_METHOD(Fixture,
                 "messages of several files come one after the other, in the files' order") {
  write_spill(folder, {"a one", "b two"});
  write_spill(folder, {"ab three@k"});
  start();
  CHECK(queue->messages() == 3);
  CHECK(feed(10) == Texts{"a one", "b two", "ab three@k"});
  CHECK(queue->empty());
  CHECK(queue->front() == nullptr);
}

TEST_CASE_METHOD(Fixture,
                 "the next worker continues after what was stored as fed, at any message") {
  const Texts all{"a one", "a two", "a three", "a four"};
  write_spill(folder, {all[0], all[1]});
  write_spill(folder, {all[2], all[3]});
  start();
  for (const auto& message : all) {
    CHECK(feed(1) == Texts{message});
    (void)queue->front();  // it was looked at, and not stored
    crash();
  }
  CHECK(feed(1).empty());
  CHECK(queue->has_fed_files());
}

TEST_CASE_METHOD(Fixture, "what came since the place was stored comes again after going back") {
  write_spill(folder, {"a one", "a two", "a three"});
  start();
  CHECK(feed(1) == Texts{"a one"});
  (void)queue->front();
  (void)queue->advance();
  queue->back();
  CHECK(feed(2) == Texts{"a two", "a three"});
}

TEST_CASE_METHOD(Fixture, "what was not fed is shown in order, and can still be fed") {
  write_spill(folder, {"a one", "a two"});
  write_spill(folder, {"a three"});
  start();
  CHECK(unfed() == Texts{"a one", "a two", "a three"});
  (void)feed(1);
  CHECK(unfed() == Texts{"a two", "a three"});
  CHECK(feed(10) == Texts{"a two", "a three"});
  CHECK(unfed().empty());
}

TEST_CASE_METHOD(Fixture,
                 "files of which all was fed are removed when that is asked for, others stay") {
  write_spill(folder, {"a one"});
  write_spill(folder, {"a two"});
  start();
  CHECK(feed(1) == Texts{"a one"});
  CHECK_FALSE(queue->has_fed_files());  // it was not seen to end
  (void)queue->front();
  CHECK(queue->has_fed_files());
  queue->remove_fed();
  CHECK(files_left() == 1);
  queue->remove_all();
  CHECK(files_left() == 0);
}

TEST_CASE_METHOD(Fixture,
                 "when files stay for the next run, the last messages that were fed are open") {
  write_spill(folder, {"a one", "a two"});
  write_spill(folder, {"a three", "a four", "a five"});
  start();
  (void)feed(4);
  const auto open = GENERATE(0, 1, 2, 3, 4);
  queue->leave(static_cast<std::uint64_t>(open));
  queue.reset();
  memory = std::make_unique<state::Memory>(state::MemoryPlan{.memory_max = 4 * MiB});
  start();
  CHECK(queue->messages() == 1 + open);
  const Texts all{"a one", "a two", "a three", "a four", "a five"};
  CHECK(feed(10) == Texts(all.end() - 1 - open, all.end()));
}

TEST_CASE_METHOD(Fixture, "a file that is no spill is left out, and kept for people") {
  const auto path = write_spill(folder, {"a one"});
  write_spill(folder, {"a two"});
  std::ofstream(path, std::ios::trunc) << "this is no disk log, but a text";
  start();
  CHECK(reporter.has_reported(path + ".unreadable"));
  CHECK(feed(10) == Texts{"a two"});
  CHECK(std::filesystem::exists(path + ".unreadable"));
}
