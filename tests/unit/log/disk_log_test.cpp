// SPDX-License-Identifier: Apache-2.0
#include "log/disk_log.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "base/byte_codec.h"
#include "base/crc32c.h"
#include "failing_disk.h"
#include "metadata.h"
#include "temporary_folder.h"

using namespace standpipe;
using log::DiskLog;

// Stand in for the C library's, for all tests of this folder.
extern "C" int fdatasync(int fd) {
  ++test::syncs().calls;
  if (!test::syncs().error) return static_cast<int>(::syscall(SYS_fdatasync, fd));
  errno = test::syncs().error;
  return -1;
}

extern "C" ssize_t pwritev(int fd, const iovec* parts, int count, off_t offset) {
  return test::injected_pwritev(fd, parts, count, offset);
}

extern "C" int ftruncate(int fd, off_t bytes) noexcept {
  return test::injected_ftruncate(fd, bytes);
}

namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}
std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void put_content(const std::string& path, std::string_view content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc)
      .write(content.data(), static_cast<std::streamsize>(content.size()));
}

// Verbs: append (and sync), reopen, all (what is read back), cut, flip.
class Fixture {
 public:
  Fixture() { reopen(); }
  ~Fixture() {
    test::syncs().reset();
    test::writes() = {};
  }

  std::string append_only(const std::string& meta, std::string_view payload) {
    // In two parts, as a frame that lies in two places.
    const std::span<const std::byte> parts[] = {bytes_of(payload.substr(0, payload.size() / 2)),
                                                bytes_of(payload.substr(payload.size() / 2))};
    const auto failure = log->append(bytes_of(meta), parts);
    return failure ? std::string(failure->what()) + "; " + failure->help() : "";
  }
  // A record with metadata, synced.
  std::string append_with(const std::string& meta, std::string_view payload,
                          const test::Pairs& pairs) {
    const auto bytes = bytes_of(payload);
    const auto failure = log->append(bytes_of(meta), {&bytes, 1}, test::fields_of(pairs));
    return failure ? std::string(failure->what()) + "; " + failure->help() : sync();
  }
  std::string sync() {
    const auto failure = log->sync();
    return failure ? std::string(failure->what()) + "; " + failure->help() : "";
  }
  std::string append(const std::string& meta, std::string_view payload) {
    const auto reported = append_only(meta, payload);
    return reported.empty() ? sync() : reported;
  }
  void reopen(DiskLog::Access access = DiskLog::Access::append) {
    log = std::make_unique<DiskLog>(DiskLog::open(path, access));
  }
  std::vector<std::string> all() {
    std::vector<std::string> out;
    DiskLog::ReadPosition at;
    while (const auto record = log->read_next(at)) {
      out.push_back(text_of(record->meta) + "=" + text_of(record->payload));
      if (!record->fields.empty()) out.back() += " {" + test::fields_text(record->fields) + '}';
    }
    return out;
  }
  // A file of an older Standpipe in its place.
  void begin_plain(char version = 1) {
    put_content(path, "stdplog\n" + std::string(1, version) + std::string(7, '\0'));
    reopen();
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
  const std::string header(
      "stdplog\n\3\0\0\0\xf9\xc7\xf4\xff"
      "\x11\x22\x33\x44\x55\x66\x77\x88\0\0\0\0\xd8\x2d\x12\xf5",
      32);
  const std::string batch(
      "\xf5\x74\xb4\xe2\x11\x22\x33\x44\x55\x66\x77\x88\x2c\0\0\0\1\0\0\0\x18\x08\x6a\x72", 24);
  const std::string record("\x14\0\0\0\xf1\xcc\x50\xa8\1\0\0\0\x24\x3d\x12\xefmpay", 20);
  put_content(path, header);
  reopen();
  append("m", "pay");
  CHECK(content_of(path) == header + batch + record);
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

TEST_CASE_METHOD(Fixture,
                 "a tail truncated at any byte is cut and reported, and earlier records survive") {
  append("a", "one");
  const auto whole = std::filesystem::file_size(path);
  append("b", "two");
  const auto content = content_of(path);
  for (auto size = whole; size < content.size(); ++size) {
    put_content(path, content.substr(0, size));
    reopen();
    CHECK(all() == Texts{"a=one"});
    CHECK(log->recovery().dropped_bytes == size - whole);
    CHECK_FALSE(log->recovery().is_damaged());
    CHECK(std::filesystem::file_size(path) == whole);
    CHECK(last() == "a");
    CHECK(append("c", "three") == "");
    CHECK(all() == Texts{"a=one", "c=three"});
  }
  CHECK(log->recovery().text() ==
        "left out 43 bytes at the end: a record is not whole (1 whole record)");
}

TEST_CASE_METHOD(Fixture, "of a truncated batch the whole records stay, and it is whole again") {
  append_only("a", "one");
  append_only("b", "two");
  append("c", "three");
  cut(std::filesystem::file_size(path) - 1);
  reopen();
  CHECK(log->recovery().text() ==
        "left out 21 bytes at the end: a record is not whole (2 whole records)");
  CHECK(append("d", "four") == "");
  reopen();
  CHECK(log->recovery().text() == "");
  CHECK(all() == Texts{"a=one", "b=two", "d=four"});
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
  for (auto at = whole + log::kBatchHeadBytes; at < content.size(); ++at) {
    put_content(path, content);
    flip(at);
    reopen();
    CHECK(all() == Texts{"a=one"});
    CHECK(log->recovery().dropped_bytes == content.size() - whole);
  }
}

TEST_CASE_METHOD(Fixture, "a bit flipped in the head of a batch costs no record, at any byte") {
  append("a", "one");
  const auto whole = std::filesystem::file_size(path);
  append_only("b", "two");
  append("c", "three");
  const auto content = content_of(path);
  for (auto at = whole; at < whole + log::kBatchHeadBytes; ++at) {
    put_content(path, content);
    flip(at);
    reopen();
    CHECK(all() == Texts{"a=one", "b=two", "c=three"});
    CHECK(log->recovery().text() ==
          "passed over 1 damaged head of a batch (24 bytes from byte 76 on) (3 whole records)");
  }
}

TEST_CASE_METHOD(Fixture, "a bit flipped in the middle costs that record only, at any byte") {
  append("a", "one");
  append_only("b", "two");
  const auto content_before = std::filesystem::file_size(path);
  append_only("c", "three");
  append("d", "four");
  const auto content = content_of(path);
  const auto begin = content_before + log::kBatchHeadBytes;
  for (auto at = begin; at < begin + 20; ++at) {
    put_content(path, content);
    flip(at);
    reopen();
    CHECK(all() == Texts{"a=one", "c=three", "d=four"});
    CHECK(log->recovery().text() ==
          "passed over 1 damaged record (20 bytes from byte 100 on) (3 whole records)");
    CHECK(last() == "d");
  }
}

TEST_CASE_METHOD(Fixture, "records that are damaged one after the other are one range") {
  for (const char* name : {"a", "b", "c", "d"}) append_only(name, "payload");
  append("e", "payload");
  const auto content = content_of(path);
  const auto second = content.size() - 4 * 24;
  flip(second), flip(second + 24 + 20), flip(second + 2 * 24);  // a head, a payload, a head
  reopen();
  CHECK(all() == Texts{"a=payload", "e=payload"});
  CHECK(log->recovery().damaged == 3);
  CHECK(log->recovery().text() ==
        "passed over 3 damaged records (72 bytes from byte 80 on) (2 whole records)");
}

TEST_CASE_METHOD(Fixture, "bytes that look like a record or a batch of this file are none") {
  append("a", "one");
  const auto content = content_of(path);
  // Its own batch, and a whole file, in a message; and then the record around them is damaged.
  append("b", content.substr(32) + content + content.substr(32));
  const auto end = std::filesystem::file_size(path);
  append("c", "three");
  auto damaged = content_of(path);
  for (const auto at : {end - 1, std::uintmax_t{content.size()} + 24}) {
    put_content(path, damaged);
    flip(at);
    reopen();
    CHECK(all() == Texts{"a=one", "c=three"});
    CHECK(log->recovery().damaged == 1);
  }
}

TEST_CASE_METHOD(Fixture, "a header that was not finished is begun again, at any byte") {
  const auto header = content_of(path);
  REQUIRE(header.size() == 32);
  for (std::size_t size = 0; size < header.size(); ++size) {
    put_content(path, header.substr(0, size));
    reopen();
    CHECK(append("a", "one") == "");
    reopen();
    CHECK(all() == Texts{"a=one"});
  }
  put_content(path, std::string(32, '\0'));
  CHECK(refusal() == "");
}

TEST_CASE_METHOD(Fixture, "a damaged header costs no record, at any byte, and is whole again") {
  append("a", "one");
  append("b", "two");
  const auto content = content_of(path);
  for (std::size_t at = 0; at < 32; ++at) {
    for (const bool is_empty : {false, true}) {
      put_content(path, content.substr(0, is_empty ? 32 : content.size()));
      flip(at);
      reopen(DiskLog::Access::read);
      CHECK(log->recovery().header == "its header is damaged");
      CHECK((all() == (is_empty ? Texts{} : Texts{"a=one", "b=two"})));
      reopen();
      CHECK(log->recovery().header == "its header is damaged");
      CHECK(append("c", "three") == "");
      reopen();
      CHECK(log->recovery().text() == "");
      CHECK(all().size() == (is_empty ? 1 : 3));
    }
  }
  auto zeros = content;
  zeros.replace(0, 60, 60, '\0');  // with the first batch
  put_content(path, zeros);
  reopen();
  CHECK(all() == Texts{"b=two"});
  put_content(path, content);
  flip(3);
  log = std::make_unique<DiskLog>(DiskLog::resume(path, content.size()));
  append("c", "three");
  reopen();
  CHECK(log->recovery().text() == "");
  CHECK(all() == Texts{"a=one", "b=two", "c=three"});
}

TEST_CASE_METHOD(Fixture, "the number of records that are done with is kept, or is 0 if damaged") {
  append("a", "one");
  CHECK_FALSE(DiskLog::set_done(path, 7));
  reopen();
  CHECK(log->done() == 7);
  CHECK(log->recovery().text() == "");
  const auto content = content_of(path);
  for (std::size_t at = 24; at < 32; ++at) {
    put_content(path, content);
    flip(at);
    reopen(DiskLog::Access::read);
    CHECK(log->done() == 0);
    CHECK(log->recovery().header == "its header is damaged");
    CHECK(all() == Texts{"a=one"});
  }
  begin_plain();
  CHECK_FALSE(DiskLog::set_done(path, 9));
  reopen();
  CHECK(log->done() == 9);
}

TEST_CASE_METHOD(Fixture, "a file that is not a disk log is refused and left as it is") {
  put_content(path, "dear diary, today nothing happened");
  CHECK(refusal() ==
        path + " is not a disk log (it begins with 64 65 61 72 20 64 69 61  dear dia); mv it away");
  CHECK(content_of(path) == "dear diary, today nothing happened");
  put_content(path, "short");
  CHECK(refusal() ==
        path + " is not a disk log (it begins with 73 68 6f 72 74  short); mv it away");
}

TEST_CASE_METHOD(Fixture, "a later version is refused and left as it is") {
  ByteWriter later;
  later.number(std::uint32_t{17});
  auto content = "stdplog\n" + text_of(later.bytes());
  ByteWriter salt, check;
  salt.number(std::uint64_t{99});
  check.number(crc32c(bytes_of(content), crc32c(salt.bytes())));
  content += text_of(check.bytes()) + text_of(salt.bytes()) + "something new";
  put_content(path, content);
  CHECK(refusal() == path +
                         " is a disk log of version 17; this Standpipe knows versions up to 3; use "
                         "the Standpipe that wrote it, or mv it away");
  CHECK(content_of(path) == content);
}

TEST_CASE_METHOD(Fixture, "a FIFO or a folder in its place is refused without hanging") {
  path = folder / "fifo";
  ::mkfifo(path.c_str(), 0600);
  CHECK(refusal() == path + " is not a regular file, so it cannot be a disk log; mv it away");
  path = folder.path();
  CHECK(refusal() == "cannot open " + path + ": Is a directory; ");
}

TEST_CASE_METHOD(
    Fixture, "a disk that is full at any byte leaves what was synced, and takes the rest later") {
  append("a", "one");
  const auto whole = std::filesystem::file_size(path);
  for (auto limit = whole; limit < whole + 44; ++limit) {
    {
      const test::FullDisk full(limit);
      CHECK(append("b", "four") ==
            "cannot write " + path +
                ": File too large; raise the limit of a file's size (ulimit -f)");
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
  CHECK(append("b", "two") ==
        "cannot sync " + path +
            ": Input/output error; look at the disk: dmesg says what it reported");
  CHECK(last() == "a");
  CHECK(content_of(path).size() == log->bytes());
  test::syncs().error = ENOSPC;
  CHECK(append("b", "two") == "cannot sync " + path +
                                  ": No space left on device; make room in the file system of " +
                                  path);
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
  CHECK_THROWS_WITH(reopen(DiskLog::Access::read),
                    "cannot open " + path + ": No such file or directory");
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE_METHOD(Fixture,
                 "what was handed over stays when a sync fails, and is written again by the next") {
  append_only("a", "1");
  REQUIRE_FALSE(log->write());
  CHECK(test::syncs().calls == 0);
  CHECK(all() == Texts{"a=1"});
  test::syncs().error = EIO;
  append_only("b", "2");
  CHECK(sync().find("Input/output error") != std::string::npos);
  CHECK(all() == Texts{"a=1"});
  test::syncs().error = 0;
  const auto written = test::writes().bytes;
  CHECK(sync().empty());
  CHECK(test::writes().bytes == written + log->bytes() - log::kFileHeaderBytes);
  CHECK(test::syncs().calls == 2);
  CHECK(sync().empty());
  CHECK(test::syncs().calls == 2);
  reopen();
  CHECK(all() == Texts{"a=1"});
}

TEST_CASE_METHOD(Fixture,
                 "what a failed sync lost is not said to be synced, however often one asks") {
  append("a", "1");
  append_only("b", "2");
  REQUIRE_FALSE(log->write());
  test::syncs().error = EIO;
  CHECK(sync() != "");
  test::syncs().error = 0;
  flip(log->bytes() - 1);  // the kernel dropped the page, and the disk had something else
  const auto lost = "what was written to " + path +
                    " was lost when the disk failed, from byte 98 on; look at the disk: dmesg "
                    "says what it reported";
  CHECK(sync() == lost);
  CHECK(sync() == lost);
}

TEST_CASE_METHOD(Fixture,
                 "a disk that fails at any write, or takes only some bytes, tears nothing") {
  append("a", "one");
  const auto whole = std::filesystem::file_size(path);
  for (const int error : {EIO, ENOSPC, EDQUOT}) {
    for (std::uint64_t before = 0; before < 44; ++before) {
      test::writes() = {.error = error, .taken = before};
      CHECK(append("b", "two") != "");
      test::writes() = {};
      CHECK(std::filesystem::file_size(path) == whole);
      CHECK(all() == Texts{"a=one"});
    }
  }
  test::writes() = {.most = 1};  // a byte a call
  CHECK(append("b", "two") == "");
  test::writes() = {};
  reopen();
  CHECK(all() == Texts{"a=one", "b=two"});
  CHECK(log->recovery().text() == "");
}

TEST_CASE_METHOD(Fixture, "nothing is appended before what a failure left could be cut off") {
  append("a", "one");
  append_only("b", "two");
  append_only("c", "three");
  test::writes().cut_error = EIO;
  test::syncs().error = EIO;
  CHECK(sync() != "");
  test::syncs().error = 0;
  CHECK(append("d", "four").find("cannot cut the end of " + path) == 0);
  test::writes() = {};
  CHECK(append("d", "four") == "");
  reopen();
  CHECK(all() == Texts{"a=one", "d=four"});
  CHECK(log->recovery().text() == "");
}

TEST_CASE_METHOD(Fixture, "a log is resumed at its committed end; what lies after that is gone") {
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

TEST_CASE_METHOD(
    Fixture, "a log that has become shorter than its committed end, or is none, is not resumed") {
  append("a", "1");
  CHECK_THROWS_WITH(DiskLog::resume(path, log->bytes() + 1), Catch::Contains("became shorter"));
  put_content(path, "something else, and long enough");
  CHECK_THROWS_WITH(DiskLog::resume(path, 20), Catch::Contains("is not a disk log"));
}

TEST_CASE_METHOD(Fixture, "records with metadata lie among others and come back with it") {
  const std::string large(70'000, 'v');
  append("a", "one");
  CHECK(append_with("b", "two", {{"key", "k"}, {"empty", ""}}) == "");
  CHECK(append_with("c", "", {{"key", std::string(65'000, 'v')}}) == "");
  CHECK(append_with("d", large, {{"key", "k"}}) == "");
  append("e", "five");
  const Texts expected{"a=one", "b=two {key=k empty=}", "c= {key=" + std::string(65'000, 'v') + "}",
                       "d=" + large + " {key=k}", "e=five"};
  CHECK(all() == expected);
  CHECK(last() == "e");
  reopen();
  CHECK(all() == expected);
  CHECK(log->recovery().text() == "");
  append_with("f", "six", {{"key", "k6"}});
  CHECK(last() == "f");
  reopen(DiskLog::Access::read);
  CHECK(all().back() == "f=six {key=k6}");
}

TEST_CASE_METHOD(Fixture, "a record's bytes with metadata are those of FORMAT.md") {
  const std::string record("\1\0\0\x80m\x0a\0\0\0\1\0\0\0\1\0\0\0kvpay", 22);
  begin_plain();
  append_with("m", "pay", {{"k", "v"}});
  ByteWriter head;
  head.number(std::uint32_t{30}).number(crc32c(bytes_of(record)));
  CHECK(content_of(path) ==
        std::string("stdplog\n\2\0\0\0\0\0\0\0", 16) + text_of(head.bytes()) + record);
  std::filesystem::remove(path);
  reopen();
  append_with("m", "pay", {{"k", "v"}});
  ByteWriter start;
  start.number(std::uint32_t{34}).number(crc32c(bytes_of(record).subspan(4)));
  CHECK(content_of(path).substr(56, 12) == text_of(start.bytes()) + record.substr(0, 4));
  CHECK(content_of(path).substr(72) == record.substr(4));
}

TEST_CASE_METHOD(
    Fixture,
    "a plain file gets version 2 with the first metadata, and an older program refuses it then") {
  const auto opens_in_version_1 = [&](DiskLog::Access access) -> std::string {
    try {
      DiskLog::open(path, access, 1);
      return "";
    } catch (const Failure& refused) {
      return std::string(refused.what()) + "; " + refused.help();
    }
  };
  const auto is_refused = [&](const std::string& version) {
    const auto before = content_of(path);
    for (const auto access : {DiskLog::Access::append, DiskLog::Access::read})
      CHECK(opens_in_version_1(access) == path + " is a disk log of version " + version +
                                              "; this Standpipe knows versions up to 1; use the "
                                              "Standpipe that wrote it, or mv it away");
    CHECK(content_of(path) == before);
  };
  is_refused("3");
  begin_plain();
  append("a", "one");
  CHECK(content_of(path)[8] == 1);
  CHECK(opens_in_version_1(DiskLog::Access::append) == "");
  reopen();
  append_with("b", "two", {{"key", "k"}});
  CHECK(content_of(path)[8] == 2);
  is_refused("2");
}

TEST_CASE_METHOD(
    Fixture, "the later version is on the disk before the record, or the record is not appended") {
  begin_plain();
  append("a", "one");
  test::syncs().error = EIO;
  CHECK(append_with("b", "two", {{"key", "k"}}) ==
        "cannot sync " + path +
            ": Input/output error; look at the disk: dmesg says what it reported");
  test::syncs().error = 0;
  CHECK(all() == Texts{"a=one"});
  test::syncs().calls = 0;
  CHECK_FALSE(log->append(bytes_of("b"), {}, test::fields_of({{"key", "k"}})));
  CHECK(test::syncs().calls == 1);
  CHECK(sync() == "");
  CHECK(all() == Texts{"a=one", "b= {key=k}"});
}

TEST_CASE_METHOD(Fixture, "a file of the first version is read, and continues in its version") {
  put_content(path,
              std::string("stdplog\n\1\0\0\0\0\0\0\0\x10\0\0\0\x9b\x48\x23\x25\1\0\0\0mpay", 32));
  reopen();
  CHECK(all() == Texts{"m=pay"});
  append("a", std::string(20'000, 'a'));
  append_with("b", "two", {{"key", "k"}});
  reopen();
  CHECK(all() == Texts{"m=pay", "a=" + std::string(20'000, 'a'), "b=two {key=k}"});
  log = std::make_unique<DiskLog>(DiskLog::resume(path, log->bytes()));
  append_with("c", "three", {{"key", "k"}});
  reopen();
  CHECK(all().back() == "c=three {key=k}");
  CHECK(log->version() == 2);
}

TEST_CASE_METHOD(Fixture,
                 "a plain file with a damaged version is read, and not mistaken for another") {
  put_content(path,
              std::string("stdplog\n\1\0\0\0\0\0\0\0\x10\0\0\0\x9b\x48\x23\x25\1\0\0\0mpay", 32));
  const auto content = content_of(path);
  for (std::size_t at = 8; at < 12; ++at) {
    for (const char version : {'\0', '\3', '\x11'}) {
      auto damaged = content;
      damaged[at] = version;
      if (damaged == content) continue;
      put_content(path, damaged);
      reopen();
      CHECK(all() == Texts{"m=pay"});
    }
  }
}

TEST_CASE_METHOD(Fixture, "in a plain file a reader searches after a damaged length") {
  begin_plain();
  append("a", "one");
  append("b", "two");
  append("c", "three");
  const auto content = content_of(path);
  flip(33);
  reopen(DiskLog::Access::read);
  CHECK(all() == Texts{"a=one", "c=three"});
  CHECK(log->recovery().text() ==
        "passed over 1 damaged record (16 bytes from byte 32 on) (2 whole records)");
  put_content(path, content);
  flip(38);
  reopen();
  CHECK(all() == Texts{"a=one", "c=three"});
}

TEST_CASE_METHOD(Fixture, "a tail truncated at any byte of a record with metadata is cut") {
  for (const bool is_plain : {false, true}) {
    if (is_plain) begin_plain();
    append("a", "one");
    const auto begin = content_of(path).size();
    append_with("b", "two", {{"key", "k"}});
    const auto whole = content_of(path);
    for (auto size = begin + 1; size < whole.size(); ++size) {
      put_content(path, whole.substr(0, size));
      reopen();
      CHECK(all() == Texts{"a=one"});
    }
  }
}

TEST_CASE_METHOD(Fixture, "a bit flipped in a record with metadata costs that record") {
  for (const bool is_plain : {false, true}) {
    if (is_plain) begin_plain();
    append("a", "one");
    const auto begin = content_of(path).size();
    append_with("b", "two", {{"key", "k"}});
    const auto end = content_of(path).size();
    append("c", "three");
    const auto whole = content_of(path);
    for (auto at = begin + (is_plain ? 4 : log::kBatchHeadBytes); at < end; ++at) {
      put_content(path, whole);
      flip(at);
      reopen(DiskLog::Access::read);
      CHECK(all() == Texts{"a=one", "c=three"});
    }
  }
}

TEST_CASE_METHOD(
    Fixture, "lengths of metadata that lie, under a checksum that is right, are a damaged record") {
  begin_plain();
  append_with("b", "two", {{"key", "k"}});
  append("c", "three");
  const auto whole = content_of(path);
  for (const std::uint32_t length :
       {0u, 1u, 11u, 12u, 15u, 16u, 1'000u, 0x7fffffffu, 0xffffffffu}) {
    auto content = whole;
    ByteWriter lie, crc;
    lie.number(length);
    content.replace(29, 4, text_of(lie.bytes()));
    crc.number(crc32c(bytes_of(content).subspan(24, 32 - 8)));
    content.replace(20, 4, text_of(crc.bytes()));
    put_content(path, content);
    reopen(DiskLog::Access::read);
    const auto found = all();
    REQUIRE_FALSE(found.empty());
    CHECK(found.back() == "c=three");
    CHECK(found.size() == (length <= 15 ? 2 : 1));  // 12 bytes of fields and 3 of payload
  }
}

TEST_CASE_METHOD(Fixture, "metadata that is too large is refused, and takes nothing back") {
  append("a", "one");
  const std::vector<std::byte> large(log::kFieldsBytesMax + 1);
  CHECK(log->append(bytes_of("b"), {}, large));
  CHECK(sync() == "");
  CHECK(all() == Texts{"a=one"});
}
