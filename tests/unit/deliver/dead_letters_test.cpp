// SPDX-License-Identifier: Apache-2.0
#include "deliver/dead_letters.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <set>

#include "deliver/letter_filter.h"
#include "deliver/letters_kit.h"
#include "failing_disk.h"
#include "metadata.h"

using namespace standpipe;
using namespace std::chrono_literals;
using deliver::DeadLetter;
using deliver::DeadLetterReader;
using deliver::DeadLetters;
using deliver::Reason;

namespace {

using Fixture = test::LettersKit;
using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE_METHOD(Fixture, "a dead letter is read back with all that is known of it") {
  const std::string payload = "\5\0\0\0hello";
  DeadLetter letter{.source = "orders",
                    .handler = "billing",
                    .plugin = "forward",
                    .sequence = 7,
                    .accepted_ns = 11,
                    .dead_lettered_ns = 12,
                    .reason = Reason::crashed,
                    .detail = "SIGSEGV in handle",
                    .route = "big orders",
                    .attempts = 3,
                    .payload = std::as_bytes(std::span(payload))};
  const auto fields = test::fields_of({{"key", "k1"}});
  letter.fields = fields;
  CHECK(put(letter) == "");
  DeadLetterReader reader(folder.path());
  const auto read = reader.next();
  REQUIRE(read);
  CHECK(read->source == "orders");
  CHECK(read->handler == "billing");
  CHECK(read->plugin == "forward");
  CHECK(read->sequence == 7);
  CHECK(read->accepted_ns == 11);
  CHECK(read->dead_lettered_ns == 12);
  CHECK(read->reason == Reason::crashed);
  CHECK(read->detail == "SIGSEGV in handle");
  CHECK(read->route == "big orders");
  CHECK(read->attempts == 3);
  CHECK(std::equal(read->payload.begin(), read->payload.end(), letter.payload.begin(),
                   letter.payload.end()));
  CHECK(test::fields_text(read->fields) == "key=k1");
  CHECK_FALSE(reader.next());
}

TEST_CASE_METHOD(Fixture, "letters of earlier versions, which say no route, are read") {
  put(1);
  DeadLetterReader reader(folder.path());
  const auto read = reader.next();
  REQUIRE(read);
  CHECK(read->route.empty());
  // kind, run, sequence, source, handler, two times, attempts, reason, plugin, detail
  auto log = log::DiskLog::open(path, log::DiskLog::Access::read);
  log::DiskLog::ReadPosition at;
  CHECK(log.read_next(at)->meta.size() ==
        1 + 8 + 8 + (2 + 6) + (2 + 7) + 8 + 8 + 4 + (2 + 8) + (2 + 7) + 2);
}

TEST_CASE_METHOD(Fixture, "a file that an older Standpipe began is continued, in its version") {
  std::ofstream(path, std::ios::binary) << std::string("stdplog\n\1\0\0\0\0\0\0\0", 16);
  put(1);
  crash();
  put(1);
  put(2);
  CHECK(all() == Texts{"orders/billing 1 hello", "orders/billing 2 hello"});
  std::ifstream file(path, std::ios::binary);
  CHECK(std::string{std::istreambuf_iterator<char>(file), {}}[8] == 1);
}

TEST_CASE_METHOD(Fixture, "what is no file of letters is set aside, and the letters are kept") {
  const bool is_newer = GENERATE(false, true);
  // A header of version 9 that is sound, but for what a later version may have made of it.
  std::string content = "stdplog\n\x09" + std::string(51, '\0');
  if (!is_newer) content.assign(5000, '\0');
  std::ofstream(path, std::ios::binary) << content;
  CHECK(put(1) == "");
  CHECK(all() == Texts{"orders/billing 1 hello"});
  const auto aside = path + (is_newer ? ".newer" : ".damaged");
  CHECK(std::filesystem::file_size(aside) == content.size());
  REQUIRE(quiet.reported.size() == 1);
  CHECK(quiet.reported[0].find("it is " + aside + " now, and another is begun") !=
        std::string::npos);
}

TEST_CASE_METHOD(Fixture, "there is no file before the first letter, and it is its user's alone") {
  CHECK_FALSE(std::filesystem::exists(path));
  put(1);
  struct stat st {};
  ::stat(path.c_str(), &st);
  CHECK((st.st_mode & 07777) == 0600);
}

TEST_CASE_METHOD(Fixture,
                 "a letter written again after a crash between append and commit is there once") {
  put(1);
  put(2);
  crash();
  CHECK(put(2) == "");
  CHECK(put(3) == "");
  CHECK(all() ==
        Texts{"orders/billing 1 hello", "orders/billing 2 hello", "orders/billing 3 hello"});
}

TEST_CASE_METHOD(
    Fixture,
    "of a batch that was written before a crash, wholly or in part, each letter is there once") {
  const std::string payload = "hello";
  std::vector<DeadLetter> batch;
  for (std::uint64_t i = 1; i <= 4; ++i) {
    batch.push_back({.source = "orders", .handler = "billing", .sequence = i, .payload = {}});
    batch.back().payload = std::as_bytes(std::span(payload));
  }
  CHECK_FALSE(put_all(batch));
  put(9, "hello", "other");  // of a neighbour, between
  crash();
  CHECK_FALSE(put_all(batch));
  CHECK(all().size() == 5);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 100);
  crash();
  CHECK_FALSE(put_all(batch));
  CHECK(all().size() == 4);
}

TEST_CASE_METHOD(Fixture,
                 "a full file is closed, letters are read in order, and the oldest go, which is "
                 "reported, when there are too many") {
  start(1, {.file = 4 * KiB, .all = 16 * KiB});
  for (std::uint64_t i = 1; i <= 60; ++i) CHECK(put(i, std::string(1000, 'x')) == "");
  const auto kept = all();
  CHECK(kept.size() < 17);
  CHECK(kept.size() > 8);
  CHECK(kept.back().starts_with("orders/billing 60 "));
  for (std::size_t i = 0; i < kept.size(); ++i)
    CHECK(kept[i].starts_with("orders/billing " + std::to_string(61 - kept.size() + i) + ' '));
  REQUIRE_FALSE(quiet.reported.empty());
  CHECK(quiet.reported[0] == "dead letters are kept up to 16KiB: the oldest, 4 messages in " +
                                 std::string(folder / "dead-letters-1.log") + ", are removed");
}

TEST_CASE_METHOD(Fixture,
                 "the same sequence of another handler, or of another run, is another letter") {
  put(1);
  put(1, "hello", "bill");
  put(1, "hello", "billing");
  start(2);
  put(1, "later");
  CHECK(all() == Texts{"orders/billing 1 hello", "orders/bill 1 hello", "orders/billing 1 hello",
                       "orders/billing 1 later"});
}

TEST_CASE_METHOD(Fixture, "a letter that was truncated by a crash is written again whole") {
  put(1);
  put(2);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 3);
  crash();
  put(2);
  CHECK(all() == Texts{"orders/billing 1 hello", "orders/billing 2 hello"});
  REQUIRE(quiet.reported.size() == 1);
  CHECK(quiet.reported[0] ==
        path + ": left out 117 bytes at the end: a record is not whole (1 whole record)");
}

TEST_CASE_METHOD(
    Fixture,
    "a full disk keeps the message waiting, and the letter is written when there is room") {
  put(1);
  {
    const test::FullDisk full(std::filesystem::file_size(path) + 10);
    CHECK(put(2) == "cannot dead-letter a message: cannot write " + path +
                        ": File too large; raise the limit of a file's size (ulimit -f)");
  }
  CHECK(put(2) == "");
  CHECK(all() == Texts{"orders/billing 1 hello", "orders/billing 2 hello"});
}

TEST_CASE_METHOD(Fixture,
                 "a file of somebody else in its place is set aside, whole, and letters go on") {
  std::ofstream(path) << "my own notes of today";
  CHECK(put(1) == "");
  CHECK(all() == Texts{"orders/billing 1 hello"});
  std::ifstream aside(path + ".damaged");
  CHECK(std::string(std::istreambuf_iterator<char>(aside), {}) == "my own notes of today");
}

TEST_CASE_METHOD(Fixture, "a detail that is too long is cut at a character") {
  std::string detail(511, 'x');
  detail += "\xc3\xa4 and more";
  put({.source = "orders", .detail = detail});
  DeadLetterReader reader(folder.path());
  CHECK(reader.next()->detail == std::string(511, 'x'));
}

TEST_CASE_METHOD(Fixture, "a letter of a later version is counted and passed over") {
  put(1);
  auto log = log::DiskLog::open(path, log::DiskLog::Access::append);
  const std::byte later[] = {std::byte{2}, std::byte{0}};
  CHECK_FALSE(log.append(later, {}));
  CHECK_FALSE(log.sync());
  DeadLetterReader reader(folder.path());
  CHECK(reader.next());
  CHECK_FALSE(reader.next());
  CHECK(reader.unreadable() == 1);
}

TEST_CASE_METHOD(Fixture,
                 "letters that are older than the limit are removed by files, and counted") {
  start(1, {.file = 64 * KiB, .all = 1 * MiB, .age = 10h});
  put(1);
  put(2);
  clock.now += 30min;
  put(3);  // into the same file
  CHECK(DeadLetters::closed_in(folder.path()).empty());
  clock.now += 31min;
  put(4);  // the first letter is older than a tenth of the limit
  CHECK(DeadLetters::closed_in(folder.path()).size() == 1);
  clock.now += 8h;
  remove_old();
  CHECK(all().size() == 4);
  clock.now += 2h;  // by the file's time, which is the machine's
  remove_old();
  CHECK(all().empty());
  CHECK(removed() == 4);
  CHECK(removed() == 0);
  REQUIRE(quiet.reported.size() == 2);
  CHECK_THAT(quiet.reported[0],
             Catch::StartsWith("dead letters are kept for 10h: the oldest, 3 messages in "));
  put(5);
  CHECK(all() == Texts{"orders/billing 5 hello"});
}

TEST_CASE_METHOD(Fixture, "a worker that begins knows how old the first letter is") {
  const deliver::DeadLetterLimits limits{.file = 64 * KiB, .all = 1 * MiB, .age = 10h};
  start(1, limits);
  put(1);
  clock.now += 61min;
  start(2, limits);
  put(2);  // opens the file
  put(3);
  CHECK(DeadLetters::closed_in(folder.path()).size() == 1);
}

TEST_CASE_METHOD(Fixture, "letters are purged out of all files, and the others stay as they are") {
  start(1, {.file = 4 * KiB, .all = 1 * MiB});
  const std::string payload(1000, 'x');
  for (std::uint64_t i = 1; i <= 20; ++i) put(i, payload, i % 2 ? "billing" : "audit");
  const auto files = DeadLetters::closed_in(folder.path());
  REQUIRE(files.size() >= 3);
  const auto before = std::filesystem::last_write_time(files[0]);
  deliver::LetterFilter filter;
  filter.handlers = {"audit"};
  CHECK(purge(filter) == 10);
  CHECK(purge(filter) == 0);
  CHECK(all().size() == 10);
  for (const auto& letter : all()) CHECK_THAT(letter, Catch::StartsWith("orders/billing"));
  CHECK(std::filesystem::last_write_time(files[0]) == before);  // its age is that of its letters
  put(21, "hello");
  CHECK(all().back() == "orders/billing 21 hello");
  CHECK(purge({}) == 11);
  CHECK(all().empty());
  CHECK(DeadLetters::closed_in(folder.path()).empty());
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 0);
}

TEST_CASE_METHOD(Fixture, "a purge that was ended in the middle leaves what it had not replaced") {
  put(1, "one", "audit");
  put(2, "two");
  std::ofstream(folder / "dead-letters-1.log.anew") << "the beginning of a file";
  deliver::LetterFilter filter;
  filter.handlers = {"audit"};
  CHECK(purge(filter) == 1);
  CHECK(all() == Texts{"orders/billing 2 two"});
}

TEST_CASE_METHOD(Fixture, "a source that came again counts anew, and its letters are others") {
  DeadLetter letter{.source = "in", .handler = "it", .sequence = 1, .accepted_ns = 5};
  CHECK(put(letter).empty());
  crash();
  letter.accepted_ns = 6;
  CHECK(put(letter).empty());
  CHECK(put(letter).empty());
  CHECK(all().size() == 3);  // what is put twice by one worker are two
  crash();
  CHECK(put(letter).empty());
  CHECK(all().size() == 3);
  std::set<std::string> ids;
  DeadLetterReader reader(folder.path());
  while (const auto read = reader.next()) ids.insert(deliver::letter_id(*read));
  CHECK(ids.size() == 2);
}

TEST_CASE_METHOD(Fixture, "letters go on into a new file when somebody removes the one in use") {
  put(1);
  std::filesystem::remove(path);
  CHECK(put(2).empty());
  put(3);
  CHECK(all() == Texts{"orders/billing 2 hello", "orders/billing 3 hello"});
  std::filesystem::rename(path, folder / "away");
  std::ofstream(path).close();
  put(4);
  CHECK(all() == Texts{"orders/billing 4 hello"});
}

TEST_CASE_METHOD(Fixture, "what stands in the way of a purge is a failure, with its place") {
  put(1, "one", "audit");
  put(2, "two");
  std::filesystem::create_directories(folder / "dead-letters-1.log.anew/full");
  deliver::LetterFilter filter;
  filter.handlers = {"audit"};
  CHECK_THROWS_AS(purge(filter), Failure);
  CHECK(all().size() == 2);
}

TEST_CASE_METHOD(Fixture, "a file that cannot be read keeps nobody from the others") {
  start(1, {.file = 4 * KiB, .all = 1 * MiB});
  const std::string payload(3000, 'x');
  for (std::uint64_t i = 1; i <= 6; ++i) put(i, payload);
  const auto closed = DeadLetters::closed_in(folder.path());
  REQUIRE(closed.size() == 2);
  std::ofstream(closed[0]) << "this is something else, and longer than a header";
  DeadLetterReader reader(folder.path());
  std::vector<std::uint64_t> sequences;
  while (const auto letter = reader.next()) sequences.push_back(letter->sequence);
  CHECK(sequences == std::vector<std::uint64_t>{3, 4, 5, 6});
  REQUIRE(reader.problems().size() == 1);
  CHECK_THAT(reader.problems()[0].what(), Catch::Contains("is not a disk log"));
}

TEST_CASE_METHOD(Fixture, "letters that are damaged are said") {
  for (std::uint64_t i = 1; i <= 3; ++i) {
    put(i, std::string(100, 'x'));
    crash();
  }
  {
    std::fstream f(path, std::ios::in | std::ios::out | std::ios::binary);
    f.seekp(static_cast<std::streamoff>(std::filesystem::file_size(path) / 2));
    f.put('\xff');
  }
  DeadLetterReader reader(folder.path());
  std::uint64_t letters = 0;
  while (reader.next()) ++letters;
  CHECK(letters == 2);
  REQUIRE(reader.problems().size() == 1);
  CHECK_THAT(reader.problems()[0].what(), Catch::Contains("damaged"));
}
