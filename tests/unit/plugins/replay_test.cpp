// SPDX-License-Identifier: Apache-2.0
#include <standpipe/wire.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <random>

#include "files.h"
#include "kit.h"

using namespace std::chrono_literals;
using standpipe::testing::Host;
using standpipe::testing::Pairs;
using standpipe::testing::Polled;
using standpipe::testing::Source;

namespace {

using Texts = std::vector<std::string>;
constexpr std::uint64_t kMillisecond = 1'000'000;

// What the log plugin writes of these.
std::string logged(const std::string& path, const std::string& format,
                   const std::vector<kit::Message>& messages) {
  kit::Host host;
  kit::Handler log(kit::load("log"), host, {{"path", path}, {"format", format}});
  REQUIRE(log.open().ok());
  REQUIRE(log.handle_messages(messages).all(STANDPIPE_DELIVERED));
  return kit::read_file(path);
}
void write(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

struct Replaying {
  explicit Replaying(const kit::Options& options) : source(kit::load("replay"), host, options) {
    REQUIRE(source.created.reason == "");
    REQUIRE(source.open().reason == "");
  }
  Texts brought(std::uint32_t most = 100) {
    Texts texts;
    for (const auto& put : source.poll({.messages = most, .wait = 1ms}).messages)
      texts.push_back(put.payload);
    return texts;
  }
  Host host;
  Source source;
};

const std::vector<kit::Message> kOdd = {
    {.payload = "a \"b\" \\ \n\t\x01 \xe2\x82\xac"}, {.payload = ""},
    {.payload = std::string("\0\xff\xfe", 3)},       {.payload = "\xff"},
    {.payload = std::string(600'000, '\xf0')},       {.payload = std::string(600'000, 'x')}};

}  // namespace

TEST_CASE("what a log has written comes once more, byte for byte, and then no more") {
  const std::string format = GENERATE("jsonl", "frames");
  const kit::Folder folder;
  logged(folder / "log", format, kOdd);
  Replaying it({{"path", folder / "log"}, {"format", format}, {"speed", "max"}});
  const auto brought = it.brought();
  REQUIRE(brought.size() == kOdd.size());
  for (std::size_t i = 0; i < kOdd.size(); ++i) CHECK(brought[i] == kOdd[i].payload);
  CHECK(it.brought().empty());
  CHECK(it.host.reported == Texts{"info: replayed " + folder / "log" + ": 6 messages"});
}

TEST_CASE("jsonl has metadata, too") {
  const kit::Folder folder;
  const Pairs meta = {{"key", "k\""}, {"header", "a"}, {"header", "b"}, {"id", "\xff\x01"}};
  logged(folder / "log", "jsonl", {{.payload = "x", .meta = meta}});
  Replaying it({{"path", folder / "log"}, {"speed", "max"}});
  const auto polled = it.source.poll({.wait = 1ms});
  REQUIRE(polled.messages.size() == 1);
  CHECK(polled.messages[0].meta == meta);
}

TEST_CASE("a replay goes on behind the last message that the hub has") {
  const std::string format = GENERATE("jsonl", "frames");
  const kit::Folder folder;
  const auto content = logged(folder / "log", format, {{"1"}, {"2"}, {"3"}});
  Replaying it({{"path", folder / "log"}, {"format", format}, {"speed", "max"}});
  CHECK(it.brought(2) == Texts{"1", "2"});
  const auto third = format == "frames" ? content.size() - 5 : content.rfind("{\"source\"");
  CHECK(it.host.resume == std::to_string(third) + " 2");
  it.source.close();
  REQUIRE(it.source.open().ok());
  CHECK(it.brought() == Texts{"3"});
  it.source.close();
  write(folder / "log", content + content);
  REQUIRE(it.source.open().ok());
  CHECK(it.brought() == Texts{"1", "2", "3"});
  it.source.close();
  write(folder / "log", content);
  REQUIRE(it.source.open().ok());
  CHECK(it.host.reported.back().starts_with("warning: " + folder / "log" +
                                            " is shorter than where its replay had come"));
  CHECK(it.brought() == Texts{"1", "2", "3"});
  CHECK(it.source.open("7").fatal());
}

TEST_CASE("messages come with the pauses that they had, or faster") {
  const kit::Folder folder;
  const auto at = [](std::uint64_t ms) { return standpipe::testing::kNoon + ms * kMillisecond; };
  logged(folder / "log", "jsonl",
         {{"1", 0, at(0)}, {"2", 0, at(60)}, {"3", 0, at(30)}, {"4", 0, at(130)}});
  const auto time_of = [&](const std::string& speed) {
    Replaying it({{"path", folder / "log"}, {"speed", speed}});
    const auto start = std::chrono::steady_clock::now();
    Texts texts;
    while (texts.size() < 4)
      for (const auto& put : it.source.poll({.wait = 20ms}).messages) texts.push_back(put.payload);
    CHECK(texts == Texts{"1", "2", "3", "4"});
    return (std::chrono::steady_clock::now() - start) / 1ms;
  };
  CHECK(time_of("1.0") >= 130);
  CHECK(time_of("2") >= 65);
  CHECK(time_of("100") < 130);
}

TEST_CASE("a pause ends where the hub stops") {
  const kit::Folder folder;
  logged(folder / "log", "jsonl",
         {{"1"}, {"2", 0, standpipe::testing::kNoon + 3'600'000 * kMillisecond}});
  Replaying it(kit::Options{{"path", folder / "log"}});
  CHECK(it.brought() == Texts{"1"});
  CHECK(it.brought().empty());
  int fds[2];
  REQUIRE(::pipe(fds) == 0);
  REQUIRE(::write(fds[1], "x", 1) == 1);
  CHECK(it.source.poll({.wait = 1h, .wake_fd = fds[0]}).messages.empty());
  (void)::close(fds[0]);
  (void)::close(fds[1]);
}

TEST_CASE("a part of the file is replayed, once or for ever") {
  const kit::Folder folder;
  logged(folder / "log", "frames", {{"1"}, {"2"}, {"3"}, {"4"}});
  const kit::Options options = {
      {"path", folder / "log"}, {"format", "frames"}, {"from", "2"}, {"to", "3"}};
  CHECK(Replaying(options).brought() == Texts{"2", "3"});
  auto forever = options;
  forever["loop"] = "true";
  Replaying it(forever);
  CHECK(it.brought(5) == Texts{"2", "3", "2", "3", "2"});
  it.source.close();
  REQUIRE(it.source.open().ok());
  CHECK(it.brought(2) == Texts{"3", "2"});
  forever["from"] = "9";
  forever["to"] = "0";
  Replaying none(forever);
  CHECK(none.brought().empty());
  CHECK(none.host.reported.back() == "info: replayed " + folder / "log" + ": 0 messages");
}

TEST_CASE("lines that are no records are left out, with their number and their offset") {
  const kit::Folder folder;
  const std::string line = R"({"text":"x"})";
  write(folder / "log", line + "\nhello\n" + R"({"text":7})" + '\n' + R"({"base64":"/w="})" +
                            "\n\n[]\n" + line + '\n' + R"({"text":"y","meta":7})" + '\n' +
                            line.substr(0, 7));
  Replaying it({{"path", folder / "log"}, {"speed", "max"}});
  CHECK(it.brought() == Texts{"x", "x"});
  const auto log = "warning: " + folder / "log" + ": record ";
  const auto none = "it has neither a \"text\" nor a \"base64\" with a payload";
  CHECK(it.host.reported ==
        Texts{log + "2 at byte 13 is left out: it is no JSON",
              log + "3 at byte 19 is left out: " + none, log + "4 at byte 30 is left out: " + none,
              log + "5 at byte 47 is left out: it is no JSON",
              log + "6 at byte 48 is left out: it is no JSON object; further ones are only counted",
              "info: replayed " + folder / "log" + ": 2 messages, 7 damaged left out"});
}

TEST_CASE("a last line without its newline is a record if it is whole") {
  const kit::Folder folder;
  write(folder / "log", "{\"text\":\"x\"}\n{\"text\":\"y\"}");
  CHECK(Replaying({{"path", folder / "log"}, {"speed", "max"}}).brought() == Texts{"x", "y"});
}

TEST_CASE("frames end where a length cannot be, or where the file truncates one") {
  const kit::Folder folder;
  const auto content = logged(folder / "log", "frames", {{"one"}, {"two"}});
  const auto ends = [&](const std::string& more) {
    write(folder / "log", content + more);
    Replaying it({{"path", folder / "log"}, {"format", "frames"}});
    CHECK(it.brought() == Texts{"one", "two"});
    CHECK(it.brought().empty());
    CHECK(it.host.resume == "14 2");
    REQUIRE(it.host.reported.size() == 2);
    return it.host.reported[0].substr(it.host.reported[0].find("record"));
  };
  CHECK(ends("\x05") == "record 3 at byte 14 is left out: its length is truncated");
  CHECK(ends(std::string("\x05\0\0\0ab", 6)) ==
        "record 3 at byte 14 is left out: it claims 5 bytes, and the file ends after 2");
  CHECK(ends("hello") ==
        "record 3 at byte 14 is left out: it claims 1819043176 bytes, so this is no file of frames "
        "from here on");
}

TEST_CASE("what the hub never takes is left out, and what it has no room for waits") {
  const kit::Folder folder;
  logged(folder / "log", "frames", {{"1"}, {"large"}, {"2"}});
  Replaying it({{"path", folder / "log"}, {"format", "frames"}});
  it.host.emit_bytes_max = 3;
  CHECK(it.brought(1) == Texts{"1"});
  CHECK(it.brought(1) == Texts{"2"});
  CHECK_THAT(it.host.reported.at(0), Catch::Matchers::Contains("5 bytes of payload"));
}

TEST_CASE("progress is told at most once a second") {
  const kit::Folder folder;
  logged(folder / "log", "frames", {{"1"}, {"2"}});
  Replaying it({{"path", folder / "log"}, {"format", "frames"}});
  CHECK(it.brought(1) == Texts{"1"});
  CHECK(it.host.reported.empty());
  std::this_thread::sleep_for(1s);
  CHECK(it.source.poll({.messages = 0}).ok());
  CHECK(it.source.poll({.messages = 0}).ok());
  CHECK(it.host.reported == Texts{"info: replaying " + folder / "log" + ": 50 %, 1 messages"});
}

TEST_CASE("replay waits for a file, and refuses what is none or makes no sense") {
  const kit::Folder folder;
  Host host;
  Source source(kit::load("replay"), host, {{"path", folder / "log"}});
  const auto missing = source.open();
  CHECK(missing.disconnected());
  CHECK_THAT(missing.reason, Catch::Matchers::Contains(folder / "log"));
  REQUIRE(::mkfifo((folder / "log").c_str(), 0600) == 0);
  CHECK(source.open().fatal());
  const auto refusal = [&](const kit::Options& options) {
    Source other(kit::load("replay"), host, options);
    return other.created.reason;
  };
  CHECK(refusal({{"path", "x"}, {"speed", "fast"}}).starts_with("speed: 'fast' is none"));
  CHECK(refusal({{"path", "x"}, {"speed", "0"}}).starts_with("speed: '0' is none"));
  CHECK(refusal({{"path", "x"}, {"from", "3"}, {"to", "2"}}).starts_with("to: it is before from"));
}

TEST_CASE("whatever a file has, a replay of it ends") {
  const std::string format = GENERATE("jsonl", "frames");
  const kit::Folder folder;
  std::mt19937 random(3);
  auto content = logged(folder / "log", format,
                        {{.payload = "abc", .meta = {{"k", "v"}, {"k", "\xff"}}}, {"\xff"}, {"x"}});
  for (int i = 0; i < 300; ++i) {
    auto damaged = content;
    for (auto n = random() % 4; n > 0; --n)
      damaged[random() % damaged.size()] = static_cast<char>(random());
    if (random() % 3 == 0) damaged.resize(random() % damaged.size());
    write(folder / "log", damaged);
    Replaying it({{"path", folder / "log"}, {"format", format}, {"speed", "max"}});
    (void)it.brought();
    REQUIRE(it.host.reported.back().starts_with("info: replayed "));
  }
}
