// SPDX-License-Identifier: Apache-2.0
#include "log/disk_log.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "failing_disk.h"
#include "temporary_folder.h"

using namespace standpipe;
using log::DiskLog;

extern "C" int fdatasync(int fd) {
  ++test::syncs().calls;
  if (!test::syncs().error) return static_cast<int>(::syscall(SYS_fdatasync, fd));
  errno = test::syncs().error;
  return -1;
}

namespace {

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }
std::string text_of(std::span<const std::byte> bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void put_content(const std::string& path, std::string_view content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc).write(content.data(), static_cast<std::streamsize>(content.size()));
}

// Verbs: append (and sync), reopen, all (what is read back), cut, flip.
class Fixture {
 public:
  Fixture() { reopen(); }
  ~Fixture() { test::syncs() = {}; }

  std::string append_only(const std::string& meta, std::string_view payload) {
    // In two parts, as a frame that lies in two places.
    const std::span<const std::byte> parts[] = {bytes_of(payload.substr(0, payload.size() / 2)),
                                                bytes_of(payload.substr(payload.size() / 2))};
    const auto failure = log->append(bytes_of(meta), parts);
    return failure ? std::string(failure->what()) + "; " + failure->help() : "";
  }
  std::string sync() {
    const auto failure = log->sync();
    return failure ? std::string(failure->what()) + "; " + failure->help() : "";
  }
  std::string append(const std::string& meta, std::string_view payload) {
    const auto said = append_only(meta, payload);
    return said.empty() ? sync() : said;
  }
  void reopen(DiskLog::Access access = DiskLog::Access::append) { log = std::make_unique<DiskLog>(DiskLog::open(path, access)); }
  std::vector<std::string> all() {
    std::vector<std::string> out;
    DiskLog::Cursor at;
    while (const auto record = log->read_next(at)) out.push_back(text_of(record->meta) + "=" + text_of(record->payload));
    return out;
  }
  std::string last() const { return log->last() ? text_of(*log->last()) : "none"; }
  void cut(std::uint64_t size) { std::filesystem::resize_file(path, size); }
  void flip(std::size_t at) {
    auto content = content_of(path);
    content[at] = static_cast<char>(content[at] ^ 0x10);
    put_content(path, content);
  }
  std::string refusal() {
    try {
      reopen();
    } catch (const Failure& f) {
      return std::string(f.what()) + "; " + f.help();
    }
    return "";
  }

  test::TemporaryFolder folder;
  std::string path = folder / "x.log";
  std::unique_ptr<DiskLog> log;
};

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE_METHOD(Fixture, "what was appended is read back, now and after it was opened again") {
  append("a", "one");
  append("b", "");
  append("", "three");
  CHECK(all() == Texts{"a=one", "b=", "=three"});
  reopen();
  CHECK(all() == Texts{"a=one", "b=", "=three"});
  CHECK(log->records() == 3);
  CHECK(log->bytes() == std::filesystem::file_size(path));
  CHECK(log->recovery().text() == "");
}

TEST_CASE_METHOD(Fixture, "a new log is empty and its user's alone") {
  struct stat st {};
  ::stat(path.c_str(), &st);
  CHECK((st.st_mode & 07777) == 0600);
  CHECK(last() == "none");
  CHECK(all().empty());
}

TEST_CASE_METHOD(Fixture, "the bytes are those of FORMAT.md") {
  append("m", "pay");
  const std::string expected(
      "stdplog\n\1\0\0\0\0\0\0\0"
      "\x10\0\0\0"
      "\x9b\x48\x23\x25"
      "\1\0\0\0mpay",
      32);
  CHECK(content_of(path) == expected);
}

TEST_CASE_METHOD(Fixture, "the last record's meta is known before and after it was opened again") {
  append("a", "1");
  append("b", "2");
  CHECK(last() == "b");
  reopen();
  CHECK(last() == "b");
}

TEST_CASE_METHOD(Fixture, "records of all sizes come back whole, through the buffer and past it") {
  Texts expected;
  for (const std::size_t size : {1, 16 * 1024, 16 * 1024 + 1, 300'000, 5, 3'000'000, 0, 262'144}) {
    const std::string payload(size, static_cast<char>('a' + expected.size()));
    CHECK(append_only(std::to_string(size), payload) == "");
    expected.push_back(std::to_string(size) + "=" + payload);
  }
  CHECK(sync() == "");
  CHECK((all() == expected));
  reopen();
  CHECK((all() == expected));
}

TEST_CASE_METHOD(Fixture, "many small records are one sync and few writes, and all come back") {
  for (int i = 0; i < 50'000; ++i) append_only(std::to_string(i), "payload");
  CHECK(sync() == "");
  CHECK(test::syncs().calls == 1);
  CHECK(all().size() == 50'000);
  reopen();
  CHECK(last() == "49999");
}

TEST_CASE_METHOD(Fixture, "a tail torn at any byte is cut and said, and earlier records survive") {
  append("a", "one");
  const auto whole = std::filesystem::file_size(path);
  append("b", "two");
  const auto content = content_of(path);
  for (auto size = whole; size < content.size(); ++size) {
    put_content(path, content.substr(0, size));
    reopen();
    CHECK(all() == Texts{"a=one"});
    CHECK(log->recovery().dropped_bytes == size - whole);
    CHECK(std::filesystem::file_size(path) == whole);
    CHECK(last() == "a");
    CHECK(append("c", "three") == "");
    CHECK(all() == Texts{"a=one", "c=three"});
  }
  CHECK(log->recovery().text() == "left out 15 bytes at the end: a record is not whole (1 whole record)");
}

TEST_CASE_METHOD(Fixture, "a tail that the disk made zeros is cut") {
  append("a", "one");
  const auto whole = std::filesystem::file_size(path);
  cut(whole + 5000);
  reopen();
  CHECK(all() == Texts{"a=one"});
  CHECK(std::filesystem::file_size(path) == whole);
}

TEST_CASE_METHOD(Fixture, "a bit flipped in the last record costs that record, at any byte") {
  append("a", "one");
  const auto whole = std::filesystem::file_size(path);
  append("b", "two");
  const auto content = content_of(path);
  for (auto at = whole; at < content.size(); ++at) {
    put_content(path, content);
    flip(at);
    reopen();
    CHECK(all() == Texts{"a=one"});
    CHECK(log->recovery().dropped_bytes == content.size() - whole);
  }
}

TEST_CASE_METHOD(Fixture, "a bit flipped in the middle costs that record only, unless it is in its length") {
  append("a", "one");
  const auto begin = std::filesystem::file_size(path);
  append("b", "two");
  const auto end = std::filesystem::file_size(path);
  append("c", "three");
  const auto content = content_of(path);
  for (auto at = begin + 4; at < end; ++at) {
    put_content(path, content);
    flip(at);
    reopen();
    CHECK(all() == Texts{"a=one", "c=three"});
    CHECK(log->recovery().text() == "passed over 1 damaged record (2 whole records)");
    CHECK(last() == "c");
  }
  put_content(path, content);
  flip(begin + 1);
  reopen();
  CHECK(all() == Texts{"a=one"});
}

TEST_CASE_METHOD(Fixture, "a header that was not finished is begun again, at any byte") {
  const auto header = content_of(path);
  REQUIRE(header.size() == 16);
  for (std::size_t size = 0; size < header.size(); ++size) {
    put_content(path, header.substr(0, size));
    reopen();
    CHECK(append("a", "one") == "");
    reopen();
    CHECK(all() == Texts{"a=one"});
  }
  put_content(path, std::string(16, '\0'));
  CHECK(refusal() == "");
}

TEST_CASE_METHOD(Fixture, "a file that is no disk log is refused and left as it is") {
  put_content(path, "dear diary, today nothing happened");
  CHECK(refusal() == path + " is no disk log (it begins with 64 65 61 72 20 64 69 61  dear dia); mv it away");
  CHECK(content_of(path) == "dear diary, today nothing happened");
  put_content(path, "short");
  CHECK(refusal() == path + " is no disk log (it begins with 73 68 6f 72 74  short); mv it away");
}

TEST_CASE_METHOD(Fixture, "a later version is refused and left as it is") {
  flip(8);
  CHECK(refusal() ==
        path + " is a disk log of version 17; this Standpipe knows version 1; use the Standpipe that wrote it, or mv it away");
  CHECK(content_of(path).size() == 16);
}

TEST_CASE_METHOD(Fixture, "a FIFO or a folder in its place is refused without hanging") {
  path = folder / "fifo";
  ::mkfifo(path.c_str(), 0600);
  CHECK(refusal() == path + " is no ordinary file, so it cannot be a disk log; mv it away");
  path = folder.path();
  CHECK(refusal() == "cannot open " + path + ": Is a directory; ");
}

TEST_CASE_METHOD(Fixture, "a disk that is full at any byte leaves what was synced, and takes the rest later") {
  append("a", "one");
  const auto whole = std::filesystem::file_size(path);
  for (auto limit = whole; limit < whole + 16; ++limit) {
    {
      const test::FullDisk full(limit);
      CHECK(append("b", "four") == "cannot write " + path + ": File too large; raise the limit of a file's size (ulimit -f)");
    }
    CHECK(std::filesystem::file_size(path) == whole);
    CHECK(last() == "a");
    CHECK(all() == Texts{"a=one"});
  }
  CHECK(append("b", "four") == "");
  reopen();
  CHECK(all() == Texts{"a=one", "b=four"});
}

TEST_CASE_METHOD(Fixture, "a large record that does not fit takes back what was not synced") {
  append("a", "one");
  append_only("b", "two");
  {
    const test::FullDisk full(100'000);
    CHECK(append_only("c", std::string(200'000, 'c')) != "");
  }
  CHECK(log->records() == 1);
  CHECK(append("d", "four") == "");
  CHECK(all() == Texts{"a=one", "d=four"});
}

TEST_CASE_METHOD(Fixture, "what could not be synced is not in the log, and can be appended again") {
  append("a", "one");
  test::syncs().error = EIO;
  CHECK(append("b", "two") == "cannot sync " + path + ": Input/output error; look at the disk: dmesg says what it reported");
  CHECK(last() == "a");
  CHECK(content_of(path).size() == log->bytes());
  test::syncs().error = ENOSPC;
  CHECK(append("b", "two") == "cannot sync " + path + ": No space left on device; make room in the file system of " + path);
  test::syncs().error = 0;
  CHECK(append("b", "two") == "");
  reopen();
  CHECK(all() == Texts{"a=one", "b=two"});
}

TEST_CASE_METHOD(Fixture, "a reader beside the appender changes nothing and sees whole records") {
  append("a", "one");
  append("b", "two");
  cut(std::filesystem::file_size(path) - 1);
  const auto size = std::filesystem::file_size(path);
  reopen(DiskLog::Access::read);
  CHECK(all() == Texts{"a=one"});
  CHECK(std::filesystem::file_size(path) == size);
}

TEST_CASE_METHOD(Fixture, "a log that is not there is made by an appender only") {
  CHECK(!log->remove());
  CHECK_THROWS_WITH(reopen(DiskLog::Access::read), "cannot open " + path + ": No such file or directory");
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE_METHOD(Fixture, "what was handed over stays when a later write fails, and is synced when somebody asks for it") {
  append_only("a", "1");
  REQUIRE_FALSE(log->write());
  CHECK(test::syncs().calls == 0);
  CHECK(all() == Texts{"a=1"});
  test::syncs().error = EIO;
  append_only("b", "2");
  CHECK(sync().find("Input/output error") != std::string::npos);
  CHECK(all() == Texts{"a=1"});
  test::syncs().error = 0;
  CHECK(sync().empty());
  CHECK(test::syncs().calls == 2);
  CHECK(sync().empty());
  CHECK(test::syncs().calls == 2);
  reopen();
  CHECK(all() == Texts{"a=1"});
}

TEST_CASE_METHOD(Fixture, "a log is resumed at its committed end; what lies behind that is gone") {
  append("a", "1");
  const auto end = log->bytes();
  append("b", "2");
  log = std::make_unique<DiskLog>(DiskLog::resume(path, end));
  append("c", "3");
  reopen();
  CHECK(all() == Texts{"a=1", "c=3"});
  log = std::make_unique<DiskLog>(DiskLog::resume(path, 0));
  append("d", "4");
  CHECK(all() == Texts{"d=4"});
}

TEST_CASE_METHOD(Fixture, "a log that has become shorter than its committed end, or is none, is not resumed") {
  append("a", "1");
  CHECK_THROWS_WITH(DiskLog::resume(path, log->bytes() + 1), Catch::Contains("became shorter"));
  put_content(path, "something else, and long enough");
  CHECK_THROWS_WITH(DiskLog::resume(path, 20), Catch::Contains("is no disk log"));
}
