// SPDX-License-Identifier: Apache-2.0
#include "cli/fifo_writer.h"

#include <sys/file.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "base/failure.h"
#include "fifo_fixture.h"

using namespace standpipe;
using namespace standpipe::cli;
using namespace std::chrono_literals;
using kit::Fifo;

namespace {

std::vector<std::string> sorted(std::vector<std::string> v) {
  std::sort(v.begin(), v.end());
  return v;
}

// "what | help"
template <class F>
std::string failure_of(F f) try {
  f();
  return "none";
} catch (const Failure& failure) {
  return std::string(failure.what()) + " | " + failure.help();
}

std::string name_of(int writer, int i, std::size_t size) {
  auto text = std::to_string(writer) + ':' + std::to_string(i) + ':';
  return text + std::string(size, static_cast<char>('a' + writer));
}

}  // namespace

TEST_CASE("messages become frames, and are there once flushed") {
  Fifo fifo;
  const auto reader = fifo.open_reader();
  Interruption interruption;
  FifoWriter writer({.path = fifo.path}, interruption);
  CHECK(writer.add("hello"));
  CHECK(writer.add(""));
  CHECK(kit::read_all(reader).empty());
  CHECK(writer.flush());
  CHECK(kit::read_all(reader) == kit::frame("hello") + kit::frame(""));
  CHECK(writer.summary() == "sent 2 messages, 5 bytes");
}

TEST_CASE("frames of several writers, small and large, are never mixed") {
  Fifo fifo;
  FifoReader reader({.path = fifo.path});
  Interruption interruption;  // before the threads, so that they inherit its signal mask
  constexpr int kWriters = 4, kMessages = 150;
  std::vector<std::string> sent;
  std::vector<std::thread> threads;
  for (int w = 0; w < kWriters; ++w) {
    const std::size_t size = w < 2 ? 100 : 70'000;
    for (int i = 0; i < kMessages; ++i) sent.push_back(name_of(w, i, size));
    threads.emplace_back([&, w, size] {
      Interruption own;
      FifoWriter writer({.path = fifo.path}, own);
      for (int i = 0; i < kMessages; ++i) (void)writer.add(name_of(w, i, size));
      (void)writer.flush();
    });
  }
  const auto got = kit::take(reader, sent.size());
  for (auto& t : threads) t.join();
  CHECK(sorted(got) == sorted(sent));
}

TEST_CASE("a writer of small frames that knows no lock does no harm, and takes none") {
  Fifo fifo;
  FifoReader reader({.path = fifo.path});
  ::fcntl(reader.fd(), F_SETPIPE_SZ,
          8192);  // a burst waits for room many times, and each time the other may come in between
  constexpr int kMessages = 20'000;
  std::vector<std::string> sent;
  for (int w = 0; w < 2; ++w)
    for (int i = 0; i < kMessages; ++i) sent.push_back(name_of(w, i, w ? 1000 : 60));
  std::thread locking([&] {
    Interruption own;
    FifoWriter writer({.path = fifo.path}, own);
    for (int i = 0; i < kMessages; ++i) (void)writer.add(name_of(0, i, 60));
    (void)writer.flush();
  });
  std::thread plain([&] {
    const auto fd = fifo.open_writer();
    for (int i = 0; i < kMessages; ++i) kit::write_all(fd, kit::frame(name_of(1, i, 1000)));
  });
  const auto got = kit::take(reader, sent.size());
  locking.join();
  plain.join();
  CHECK(sorted(got) == sorted(sent));
}

TEST_CASE("a message beyond the limit is refused, and those before it are sent") {
  Fifo fifo;
  const auto reader = fifo.open_reader();
  Interruption interruption;
  FifoWriter writer({.path = fifo.path, .payload_max = 4}, interruption);
  CHECK(writer.add("four"));
  CHECK(failure_of([&] { (void)writer.add("five!"); }) ==
        "a message of 5 bytes is larger than the limit (4); it was not sent: 1 message was sent "
        "whole | "
        "--max-message-size raises the limit here; the hub has its own: framing: { "
        "max_message_size: }");
  CHECK(kit::read_all(reader) == kit::frame("four"));
}

TEST_CASE("a reader that leaves in the middle of a frame is reported, with what was sent") {
  Fifo fifo;
  auto reader = fifo.open_reader();
  Interruption interruption;
  FifoWriter writer({.path = fifo.path}, interruption);
  REQUIRE(writer.add("whole"));
  REQUIRE(writer.flush());
  std::thread leaving([&] {
    while (bytes_waiting(reader.get()) < 65'536 - 4096) std::this_thread::yield();
    reader.reset();
  });
  const auto told = failure_of([&] {
    (void)writer.add(std::string(200'000, 'x'));
    (void)writer.flush();
  });
  leaving.join();
  CHECK(told.starts_with("nobody reads " + fifo.path +
                         " any more: 1 message was sent whole, and the next was cut after "));
  CHECK(told.ends_with(" of 200,004 bytes | has the hub ended?  standpipe run CONFIG"));
}

TEST_CASE("waiting for room and for the lock has an end") {
  Fifo fifo;
  const auto reader = fifo.open_reader();
  Interruption interruption;
  FifoWriter writer({.path = fifo.path, .timeout = 50ms}, interruption);
  const std::string small(1000, 'x');
  CHECK(failure_of([&] {
          while (writer.add(small)) {
          }
        }) ==
        "no room in " + fifo.path + ": its reader takes nothing: 64 messages were sent whole | ");
  Fifo other;
  const auto other_reader = other.open_reader();
  const auto holder = other.open_writer();
  ::flock(holder.get(), LOCK_EX);
  FifoWriter blocked({.path = other.path, .timeout = 50ms}, interruption);
  CHECK(failure_of([&] { (void)(blocked.add("x") && blocked.flush()); }) ==
        "another writer holds the lock on " + other.path + ": 0 messages were sent whole | ");
}

TEST_CASE("the lock is free while the sender has nothing to write") {
  Fifo fifo;
  const auto reader = fifo.open_reader();
  Interruption interruption;
  FifoWriter writer({.path = fifo.path}, interruption);
  const auto other = fifo.open_writer();
  REQUIRE(writer.add("gathered"));
  CHECK(::flock(other.get(), LOCK_EX | LOCK_NB) == 0);
  ::flock(other.get(), LOCK_UN);
  REQUIRE(writer.flush());
  CHECK(::flock(other.get(), LOCK_EX | LOCK_NB) == 0);
}

TEST_CASE("an interruption counts between frames: an incomplete one is finished") {
  Fifo fifo;
  Interruption interruption;
  FifoReader reader({.path = fifo.path});
  FifoWriter writer({.path = fifo.path}, interruption);
  const std::string large(300'000, 'x');
  std::vector<std::string> got;
  std::thread slow([&] {
    while (bytes_waiting(reader.fd()) == 0) std::this_thread::yield();
    ::kill(::getpid(), SIGINT);
    std::this_thread::sleep_for(20ms);  // the writer stands in the middle of its frame
    got = kit::take(reader, 1);
  });
  CHECK((writer.add(large) && writer.flush()));
  slow.join();
  CHECK(got == std::vector<std::string>{large});
  CHECK(writer.messages() == 1);
  CHECK_FALSE((writer.add("next") && writer.flush()));
  CHECK(writer.messages() == 1);
}

TEST_CASE("a second interruption cuts the frame, and says so") {
  Fifo fifo;
  Interruption interruption;
  const auto reader = fifo.open_reader();
  FifoWriter writer({.path = fifo.path}, interruption);
  std::thread impatient([&] {
    while (bytes_waiting(reader.get()) < 65'536) std::this_thread::yield();
    for (int i = 0; i < 2; ++i) {
      ::kill(::getpid(), SIGINT);
      std::this_thread::sleep_for(50ms);  // two pending signals of one kind are one
    }
  });
  const auto told = failure_of([&] { (void)writer.add(std::string(300'000, 'x')); });
  impatient.join();
  CHECK(told ==
        "interrupted twice: 0 messages were sent whole, and the next was cut after 65,536 of "
        "300,004 bytes | its reader will find a "
        "frame without an end");
}

TEST_CASE("each way in which a path is not a FIFO with a reader has its own message") {
  Fifo fifo;
  kit::Folder folder;
  Interruption interruption;
  const auto told = [&](const std::string& path) {
    return failure_of([&] { FifoWriter({.path = path}, interruption); });
  };
  CHECK(told(fifo.path) ==
        "nobody reads " + fifo.path + " | is the hub running?  standpipe run CONFIG");
  CHECK(told(folder / "none") ==
        (folder / "none") +
            " does not exist | is the hub running? it creates the FIFO:  standpipe run CONFIG");
  CHECK(
      told(folder / "no/where") ==
      (folder / "no/where") +
          " does not exist, nor does its folder | is the path right? a relative one begins in the "
          "current folder");
  kit::write_file(folder / "file", "x");
  CHECK(told(folder / "file") == (folder / "file") +
                                     " is a regular file, not a FIFO: someone wrote to it before a "
                                     "FIFO was made | mv it away, then "
                                     "let the hub (or standpipe recv) make the FIFO");
  CHECK(told(folder.path()) == folder.path() +
                                   " is a folder, not a FIFO | name a FIFO inside it, e.g. " +
                                   folder.path() + "/in");
  CHECK(told("/dev/null") == "/dev/null is a device, not a FIFO | is the path right?");
  CHECK(kit::read_file(folder / "file") == "x");
}
