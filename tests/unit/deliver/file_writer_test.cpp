// SPDX-License-Identifier: Apache-2.0
#include "deliver/file_writer.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>

#include "fifo_kit.h"
#include "file_limit.h"
#include "temporary_folder.h"

using namespace standpipe;
using deliver::FileWriter;
using test::framed;

namespace {

// One file and who writes it.
class Fixture {
 public:
  FileWriter::Done write(const std::vector<std::string>& texts,
                         Nanoseconds sync = FileWriter::kNever) {
    FileWriter::Job job{file.get(), path(), size, {}, sync};
    std::vector<std::string> frames;
    for (const auto& text : texts) frames.push_back(framed(text));
    for (auto& f : frames) job.pieces.push_back({f.data(), f.size()});
    writer.post(std::move(job));
    pollfd done{writer.fd(), POLLIN, 0};
    REQUIRE(::poll(&done, 1, 5000) == 1);
    std::uint64_t count = 0;
    REQUIRE(::read(writer.fd(), &count, sizeof count) == sizeof count);
    const auto came = writer.take_done().value();
    size += came.bytes;
    return came;
  }
  std::string content() const {
    std::ifstream in(path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::string path() const { return folder / "file"; }

  test::TemporaryFolder folder;
  Fd file{::open(path().c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600)};
  std::uint64_t size = 0;
  FileWriter writer;
};

}  // namespace

TEST_CASE("pieces of all sizes are appended, in order") {
  Fixture f;
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < 2000; ++i)
    texts.push_back(std::string(i % 7 == 0 ? 3000 : i % 40, static_cast<char>('a' + i % 26)));
  const auto done = f.write(texts);
  CHECK(done.error == 0);
  CHECK(test::unframed(f.content()) == texts);
  CHECK(done.bytes == f.content().size());
}

TEST_CASE("many small pieces are one write, and all there") {
  Fixture f;
  const std::vector<std::string> texts(600, "small");
  f.write(texts);
  CHECK(test::unframed(f.content()) == texts);
}

TEST_CASE("wherever the disk is full, the file ends with a whole frame") {
  for (rlim_t most = 0; most < 40; ++most) {
    Fixture f;
    {
      const test::FileLimit limit(most);
      const auto done = f.write({"first", "second", "third"});
      CHECK((done.error == EFBIG || most >= 28));
      CHECK(done.bytes == f.content().size());
      CHECK(f.content() ==
            (framed("first") + framed("second") + framed("third")).substr(0, done.bytes));
      std::string rest;
      (void)test::unframed(f.content(), &rest);
      CHECK(rest.empty());
    }
    CHECK(f.write({"last"}).error == 0);
  }
}

TEST_CASE("a file that is not what it should be is left as it is") {
  Fixture f;
  f.write({"first"});
  f.size += 3;
  CHECK(f.write({"second"}).found == FileWriter::Found::changed);
  f.size -= 3;
  REQUIRE(::unlink(f.path().c_str()) == 0);
  CHECK(f.write({"second"}).found == FileWriter::Found::deleted);
}

TEST_CASE("a writer ends with its last job done or not begun") {
  Fixture f;
  f.write({"first"}, FileWriter::kAlways);
  FileWriter other;
  CHECK_FALSE(other.is_busy());
  CHECK_FALSE(other.take_done());
}
