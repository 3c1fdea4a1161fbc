// SPDX-License-Identifier: Apache-2.0
#include "deliver/overflow_file.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/failure.h"
#include "deliver/fifo_kit.h"
#include "deliver/spill.h"
#include "failing_disk.h"
#include "temporary_folder.h"

using namespace standpipe;
using deliver::OverflowFile, deliver::SpillReader;
using test::framed;

namespace {

using Texts = std::vector<std::string>;

// One file, number 1, and one worker after the other. Verbs: open, add, content.
class Fixture {
 public:
  void open(const OverflowFile::End& end = {.number = 1}) {
    file.reset();
    file.emplace(folder.path(), "in", end);
  }
  bool add(const std::string& payload, std::vector<std::string_view> handlers = {"a"}) {
    const auto frame = framed(payload);
    return !file->add(++sequence_, 5, handlers, std::as_bytes(std::span(frame)));
  }
  // "HANDLERS PAYLOAD" of each message, as the next run would read it.
  Texts content() const {
    Texts all;
    SpillReader reader(path());
    while (const auto m = reader.next()) {
      std::string handlers;
      for (const auto& h : m->handlers) handlers += h;
      all.push_back(
          handlers + ' ' +
          test::unframed({reinterpret_cast<const char*>(m->frame.data()), m->frame.size()})[0]);
    }
    return all;
  }
  std::string path() const { return SpillReader::path_of(folder.path(), "in", 1); }

  test::TemporaryFolder folder;
  std::optional<OverflowFile> file;

 private:
  std::uint64_t sequence_ = 0;
};

class NumberedFixture : public Fixture {
 public:
  NumberedFixture() {
    (void)SpillReader::next_number(folder.path(), "in");  // makes the folder
    open();
  }
};

}  // namespace

TEST_CASE_METHOD(NumberedFixture, "what was handed over is read back, also without an end") {
  CHECK(add("one"));
  CHECK(add("two", {"a", "b"}));
  CHECK_FALSE(file->hand_over());
  CHECK(content() == Texts{"a one", "ab two"});
  CHECK_FALSE(SpillReader(path()).written());
  CHECK_FALSE(file->finish());
  CHECK(SpillReader(path()).written() == 2);
}

TEST_CASE_METHOD(NumberedFixture, "the next worker cuts off what was not committed, and goes on") {
  CHECK(add("one"));
  CHECK_FALSE(file->hand_over());
  const auto committed = file->end();
  CHECK(committed.messages == 1);
  CHECK(add("two"));
  CHECK_FALSE(file->hand_over());
  open(committed);
  CHECK(file->end().messages == 1);
  CHECK(add("three"));
  CHECK_FALSE(file->finish());
  CHECK(content() == Texts{"a one", "a three"});
}

TEST_CASE_METHOD(NumberedFixture, "a list of handlers is not taken for one that was cut off") {
  CHECK_FALSE(file->hand_over());
  const auto committed = file->end();
  CHECK(add("lost", {"x"}));
  CHECK_FALSE(file->hand_over());
  open(committed);
  CHECK(add("one", {"y"}));
  CHECK_FALSE(file->finish());
  CHECK(content() == Texts{"y one"});
}

TEST_CASE_METHOD(NumberedFixture,
                 "after a full disk it is as it was when it was last handed over") {
  CHECK(add("one"));
  CHECK_FALSE(file->hand_over());
  {
    const test::FullDisk full(8 * 1024);
    CHECK_FALSE(add(std::string(100'000, 'x'), {"new"}));
  }
  CHECK(file->end().messages == 1);
  CHECK(add("two", {"new"}));  // whose list is written again
  CHECK_FALSE(file->finish());
  CHECK(content() == Texts{"a one", "new two"});
}

TEST_CASE_METHOD(NumberedFixture, "a file that is shorter than what was committed is refused") {
  CHECK(add("one"));
  CHECK_FALSE(file->hand_over());
  const auto committed = file->end();
  std::filesystem::resize_file(path(), committed.bytes - 1);
  CHECK_THROWS_AS(open(committed), Failure);
}
