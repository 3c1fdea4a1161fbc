// SPDX-License-Identifier: Apache-2.0
// The log plugin with a router that writes to files: it lends its file, and is asked about little.
#include <sys/stat.h>
#include <unistd.h>

#include "log_fixture.h"

using namespace kit;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

// The router's part is the test's: what was sent is appended to the file that was lent last.
struct LentLog : LogFixture {
  LentLog() { host.write_files(); }
  // How many were sent.
  std::size_t send(const std::vector<std::string>& payloads) {
    const auto answer = log->handle(payloads);
    INFO(answer.reason);
    CHECK(answer.all(STANDPIPE_SEND));
    CHECK(answer.output == 1);
    std::string bytes;
    for (std::size_t i = 0; i < answer.settled; ++i) bytes += frame(payloads[i]);
    CHECK(::write(host.files.back().fd, bytes.data(), bytes.size()) ==
          static_cast<ssize_t>(bytes.size()));
    return answer.settled;
  }
  bool is_granted() { return std::exchange(host.files.back().all, false); }
};

}  // namespace

TEST_CASE("frames are sent, and the hub need not ask any more") {
  LentLog f;
  f.open({{"format", "frames"}});
  REQUIRE(f.host.files.size() == 1);
  CHECK(f.host.files[0].path == f.path);
  CHECK(f.host.files[0].sync == kSecond);
  CHECK(f.send({"one", "two"}) == 2);
  CHECK(f.is_granted());
  CHECK(f.host.files[0].bytes == 0);
  CHECK(f.host.files[0].time == 0);
  CHECK(f.content() == frame("one") + frame("two"));
}

TEST_CASE("other formats, and frames where the hub does not write, are written by the plugin") {
  LogFixture old;
  old.open({{"format", "frames"}});
  CHECK(old.append({"one"}) == 1);
  LentLog lines;
  lines.open({{"format", "lines"}});
  CHECK(lines.append({"one"}) == 1);
  CHECK(lines.host.files.empty());
}

TEST_CASE("the hub decides how often a file of frames is synced") {
  for (const auto& [sync, ns] :
       std::map<std::string, std::int64_t>{{"never", 0}, {"always", STANDPIPE_SYNC_ALWAYS}}) {
    LentLog f;
    f.open({{"format", "frames"}, {"sync", sync}});
    CHECK(f.host.files[0].sync == ns);
  }
}

TEST_CASE("a batch is sent up to where its file is full; the rest finds another one") {
  LentLog f;
  f.open({{"format", "frames"}, {"rotate_size", "20B"}});
  CHECK(f.send({"first", "second", "third"}) == 3);  // 9 + 10 + 9 bytes
  CHECK_FALSE(f.is_granted());
  CHECK(f.send({"fourth", "fifth", "sixth", "seventh"}) == 3);
  CHECK(f.host.files.size() == 2);
  CHECK(f.content(".1") == frame("first") + frame("second") + frame("third"));
  CHECK(f.content() == frame("fourth") + frame("fifth") + frame("sixth"));
}

TEST_CASE("the hub asks again when the file is full, or old") {
  LentLog f;
  f.open({{"format", "frames"}, {"rotate_size", "100B"}, {"rotate_every", "10s"}});
  const auto began = f.host.now;
  CHECK(f.send({"one"}) == 1);
  CHECK(f.is_granted());
  CHECK(f.host.files[0].bytes == 100);
  CHECK(f.host.files[0].time == began + 10 * kSecond);
  f.host.now += 10 * kSecond;
  CHECK(f.send({"two"}) == 1);
  CHECK(f.content(".1") == frame("one"));
  CHECK(f.host.files.back().time == f.host.now + 10 * kSecond);
}

TEST_CASE("a file that was deleted is opened anew when the hub asks, and lent") {
  LentLog f;
  f.open({{"format", "frames"}});
  CHECK(f.send({"one"}) == 1);
  REQUIRE(::unlink(f.path.c_str()) == 0);
  CHECK(f.send({"two"}) == 1);
  CHECK(f.host.files.size() == 2);
  CHECK(f.content() == frame("two"));
}

TEST_CASE("reopen lends the file that has the name now") {
  LentLog f;
  f.open({{"format", "frames"}});
  CHECK(f.send({"one"}) == 1);
  REQUIRE(::rename(f.path.c_str(), (f.path + ".moved").c_str()) == 0);
  CHECK(f.reopen().ok());
  CHECK(f.host.files.size() == 2);
  CHECK(f.send({"two"}) == 1);
  CHECK(f.content() == frame("two"));
}
