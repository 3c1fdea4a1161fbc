// SPDX-License-Identifier: Apache-2.0
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "log_fixture.h"

using kit::frame;
using kit::LogFixture;

TEST_CASE_METHOD(LogFixture,
                 "a message is a line, a newline inside it is written as two characters") {
  open({});
  CHECK(append({"hello", "", "two\nlines\n", std::string("\0\xff\\n", 4)}) == 4);
  CHECK(content() == "hello\n\ntwo\\nlines\\n\n" + std::string("\0\xff\\n\n", 5));
}

TEST_CASE_METHOD(LogFixture, "frames are exactly the wire's") {
  open({{"format", "frames"}});
  CHECK(append({"hello", "", std::string("\0\n\xff", 3)}) == 3);
  CHECK(content() == std::string("\5\0\0\0hello\0\0\0\0\3\0\0\0\0\n\xff", 20));
}

TEST_CASE_METHOD(LogFixture, "jsonl is an object a line") {
  open({{"format", "jsonl"}});
  CHECK(append({"a\nb", "\xff"}) == 2);
  CHECK(
      content() ==
      R"({"source":"orders","sequence":1,"time":"2024-05-01T12:00:00.250Z","size":3,"text":"a\nb"})"
      "\n"
      R"({"source":"orders","sequence":2,"time":"2024-05-01T12:00:00.250Z","size":1,"base64":"/w=="})"
      "\n");
}

TEST_CASE_METHOD(LogFixture, "a 16 MiB message and its neighbours arrive whole in every format",
                 "[exhaustive]") {
  const std::string large(16 << 20, '\xc3');
  const std::string format = GENERATE("frames", "lines", "jsonl");
  open({{"format", format}});
  CHECK(append({"a", large, "b"}) == 3);
  if (format == "frames") CHECK(content() == frame("a") + frame(large) + frame("b"));
  if (format == "lines") CHECK(content() == "a\n" + large + "\nb\n");
  if (format == "jsonl") CHECK(content().size() > large.size() / 3 * 4);
}

TEST_CASE_METHOD(LogFixture, "it appends to what is there, and again after it was closed") {
  kit::write_file(path, "before\n");
  open({});
  append({"one"});
  close();
  open({});
  append({"two"});
  CHECK(content() == "before\none\ntwo\n");
}

TEST_CASE_METHOD(
    LogFixture,
    "a new file has the mode that was asked for, whatever the umask; an old one keeps its own") {
  const auto before = ::umask(077);
  open({{"mode", "0664"}});
  ::umask(before);
  CHECK(kit::mode_of(path) == 0664);
  close();
  ::chmod(path.c_str(), 0600);
  open({{"mode", "0664"}});
  CHECK(kit::mode_of(path) == 0600);
  close();
  path = folder / "default";
  open({});
  CHECK(kit::mode_of(path) == 0640);
}

TEST_CASE_METHOD(LogFixture, "a missing folder is waited for, and named with the remedy") {
  path = folder / "no/where/x.log";
  const auto answer = try_open({});
  CHECK(answer.disconnected());
  CHECK(answer.reason == "cannot open " + path + ": the folder " + (folder / "no/where") +
                             " does not exist: make it, or set create_folders: true");
  open({{"create_folders", "true"}});
  append({"x"});
  CHECK(content() == "x\n");
}

TEST_CASE_METHOD(LogFixture, "a path that is no file holds the handler and says what to use") {
  path = folder.path();
  CHECK(try_open({}).fatal());
  CHECK(try_open({}).reason == path + " is a folder: give the path of a file");
  path = folder / "fifo";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  CHECK(try_open({}).fatal());
  CHECK(try_open({}).reason == path + " is a FIFO: use the plugin forward for it");
  path = "/dev/null";
  CHECK(try_open({}).fatal());
  CHECK(try_open({}).reason ==
        "/dev/null is a device: log appends to files; for the screen use the plugin print");
}

TEST_CASE_METHOD(LogFixture, "a file that may not be opened is waited for") {
  if (::geteuid() == 0) return;  // root may open everything
  kit::write_file(path, "");
  ::chmod(path.c_str(), 0400);
  const auto answer = try_open({});
  CHECK(answer.disconnected());
  CHECK(answer.reason ==
        "cannot open " + path +
            ": Permission denied: the hub's user must be able to read and write it, and to " +
            "create files in " + folder.path());
}

TEST_CASE_METHOD(LogFixture,
                 "two writers to one path do not mix: the second waits until the first is gone") {
  open({});
  append({"first"});
  kit::Host other_host;
  kit::Handler other(kit::load("log"), other_host, {{"path", path}});
  const auto refused = other.open();
  CHECK(refused.disconnected());
  CHECK(refused.reason == "another program or handler holds " + path +
                              ": two writers would damage it; give each its own path");
  close();
  CHECK(other.open().ok());
  CHECK(other.handle({"second"}).settled == 1);
  CHECK(content() == "first\nsecond\n");
}

TEST_CASE_METHOD(LogFixture, "reopen follows a file that was moved away, as logrotate does it") {
  open({});
  append({"one"});
  std::filesystem::rename(path, path + ".moved");
  append({"two"});
  CHECK(reopen().ok());
  append({"three"});
  CHECK(content(".moved") == "one\ntwo\n");
  CHECK(content() == "three\n");
}

TEST_CASE_METHOD(LogFixture, "reopen without a move changes nothing") {
  open({});
  append({"one"});
  CHECK(reopen().ok());
  append({"two"});
  CHECK(content() == "one\ntwo\n");
  CHECK(host.reported.empty());
}

TEST_CASE_METHOD(LogFixture, "reopen that fails continues in the old file, and says so") {
  open({});
  std::filesystem::rename(path, path + ".moved");
  std::filesystem::create_directory(path);
  CHECK(reopen().ok());
  append({"one"});
  CHECK(content(".moved") == "one\n");
  CHECK(host.reported == std::vector<std::string>{
                             "error: reopen: " + path +
                             " is a folder: give the path of a file: continues in the old file"});
}

TEST_CASE_METHOD(LogFixture, "a file emptied by somebody else is continued with") {
  open({{"format", "frames"}});
  append({"one"});
  REQUIRE(::truncate(path.c_str(), 0) == 0);
  append({"two"});
  CHECK(content() == frame("two"));
}

TEST_CASE_METHOD(LogFixture, "flush and close are answered, and nothing is held back before them") {
  open({{"sync", GENERATE("never", "interval", "always")}});
  append({"one"});
  CHECK(content() == "one\n");
  CHECK(flush().ok());
  close();
  CHECK(content() == "one\n");
}

TEST_CASE_METHOD(LogFixture, "no descriptor is left behind") {
  const auto descriptors = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                         std::filesystem::directory_iterator());
  };
  const auto before = descriptors();
  for (int i = 0; i < 20; ++i) {
    open({{"rotate_size", "1B"}});
    append({"one", "two", "three"});
    std::filesystem::rename(path, path + ".moved");
    reopen();
    close();
  }
  drop();
  CHECK(descriptors() == before);
}
