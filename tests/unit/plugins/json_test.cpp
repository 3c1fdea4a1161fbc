// SPDX-License-Identifier: Apache-2.0
#include "common/json.h"

#include <sys/mman.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>

#include "common/fd.h"
#include "kit.h"

namespace {

class Lines {
 public:
  // What is written of a message, by one writer for all of them.
  std::string of(const std::string& source, const kit::Message& message) {
    const kit::Lent lent({message}, source, 1);
    REQUIRE(::ftruncate(file_.get(), 0) == 0);
    REQUIRE(::lseek(file_.get(), 0, SEEK_SET) == 0);
    spool_.begin(file_.get());
    json_.append(spool_, standpipe::Message(lent.abi_batch()->messages[0], *lent.abi_batch()));
    spool_.flush();
    std::string all(spool_.written(), '\0');
    REQUIRE(::pread(file_.get(), all.data(), all.size(), 0) == static_cast<ssize_t>(all.size()));
    return all;
  }

 private:
  common::Fd file_{::memfd_create("json-test", MFD_CLOEXEC)};
  common::Spool spool_;
  common::JsonLines json_;
};

}  // namespace

TEST_CASE("what is kept of the message before is written of no other source and of no other time") {
  Lines lines;
  const auto first = lines.of("a", {"x", 1, 999'999});
  CHECK(first ==
        R"({"source":"a","sequence":1,"time":"1970-01-01T00:00:00.000Z","size":1,"text":"x"})"
        "\n");
  CHECK(lines.of("a", {"x", 1, 0}) == first);
  CHECK(lines.of("a", {"x", 2, 1'000'000}) ==
        R"({"source":"a","sequence":2,"time":"1970-01-01T00:00:00.001Z","size":1,"text":"x"})"
        "\n");
  CHECK(
      lines.of("b\"\n", {"\xff", 3, 1'000'000}) ==
      R"({"source":"b\"\n","sequence":3,"time":"1970-01-01T00:00:00.001Z","size":1,"base64":"/w=="})"
      "\n");
  CHECK(lines.of("a", {"x", 1, 0}) == first);
}

TEST_CASE("a source without a name has its lines, too") {
  Lines lines;
  const std::string line =
      R"({"source":"","sequence":1,"time":"1970-01-01T00:00:00.000Z","size":0,"text":""})"
      "\n";
  CHECK(lines.of("", {"", 1, 0}) == line);
  CHECK(lines.of("", {"", 1, 0}) == line);
}

TEST_CASE("a message's metadata is an object; a name that occurs twice has a list") {
  Lines lines;
  const kit::Message message{
      "x", 1, 0, {{"key", "k\n7"}, {"header", "a"}, {"id", "\xff"}, {"header", "b"}}};
  CHECK(lines.of("a", message) ==
        R"({"source":"a","sequence":1,"time":"1970-01-01T00:00:00.000Z","size":1,)"
        R"("meta":{"key":"k\n7","header":["a","b"],"id":{"base64":"/w=="}},"text":"x"})"
        "\n");
}
